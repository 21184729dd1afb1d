import { describe, expect, test } from "vitest";
import type { JobState, LogLine } from "../../src/index.js";
import { advance, makeContext, useFakeTime } from "./context.js";
import { openStream } from "./streams.js";

useFakeTime();

describe("watch", () => {
  type Call = readonly [job: JobState | undefined, texts: readonly string[]];

  function recorder(): {
    readonly calls: Call[];
    listener: (job: JobState | undefined, log: readonly LogLine[]) => void;
  } {
    const calls: Call[] = [];
    return { calls, listener: (job, log) => calls.push([job, log.map(({ text }) => text)]) };
  }

  test("given a listener, calls it at once and after each change until the end, with each line once", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    await setFields(id, { message: "first" }, ["one"]);
    const { calls, listener } = recorder();
    await progress.watch(id, listener);
    await setFields(id, { message: "second" }, ["two", "three"]);
    await advance(0);
    await setFields(id, { status: "completed", result: 7 });
    await advance(0);
    expect(calls.map(([state, texts]) => [state?.message, state?.status, texts])).toEqual([
      ["first", "queued", ["one"]],
      ["second", "queued", ["two", "three"]],
      ["second", "completed", []],
    ]);
    expect(progress.metrics()).toMatchObject({ watchedJobs: 0, slots: 0 });
  });

  test("given a job that has ended, calls the listener once and watches nothing", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    await setFields(id, { status: "failed" });
    const { calls, listener } = recorder();
    await progress.watch(id, listener);
    expect(calls).toHaveLength(1);
    expect(progress.metrics().watchedJobs).toBe(0);
  });

  test("given a removal, calls the listener with undefined, once", async () => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    const { calls, listener } = recorder();
    await progress.watch(id, listener);
    await store.remove(id);
    await advance(0);
    expect(calls.map(([state]) => state?.status)).toEqual(["queued", undefined]);
    expect(progress.metrics().watchedJobs).toBe(0);
  });

  test("given a call of the returned function, stops calling the listener; a second call does nothing", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const { calls, listener } = recorder();
    const other = recorder();
    const stop = await progress.watch(id, listener);
    await progress.watch(id, other.listener);
    stop();
    stop();
    await setFields(id, { message: "x" });
    await advance(0);
    expect(calls).toHaveLength(1);
    expect(other.calls).toHaveLength(2);
    expect(progress.metrics().watchedJobs).toBe(1);
  });

  test("given listeners that throw or reject, passes each error to onError and continues", async () => {
    const { progress, createJob, setFields, errors } = makeContext();
    const id = await createJob();
    let calls = 0;
    await progress.watch(id, () => {
      calls += 1;
      throw new Error("listener");
    });
    await progress.watch(id, async () => {
      throw new Error("async listener");
    });
    const { calls: seen, listener } = recorder();
    await progress.watch(id, listener);
    await setFields(id, { message: "x" });
    await advance(0);
    expect(calls).toBe(2);
    expect(seen).toHaveLength(2);
    expect(errors.map(({ code }) => code)).toEqual(Array(4).fill("internal"));
  });

  test("given watches, takes no stream slots", async () => {
    const { progress, createJob } = makeContext({ maxStreams: 1 });
    const id = await createJob();
    await progress.watch(id, () => {});
    await progress.watch(id, () => {});
    await openStream(progress, id);
    expect(progress.metrics().slots).toBe(1);
  });

  test("given an unknown job, throws", async () => {
    const { progress } = makeContext();
    await expect(progress.watch("unknown", () => {})).rejects.toMatchObject({
      code: "job-not-found",
    });
  });

  test("given an outage, calls the listener after the outage", async () => {
    const { progress, createJob, setFields, store } = makeContext({ rereadMs: 1_000 });
    const id = await createJob();
    const { calls, listener } = recorder();
    await progress.watch(id, listener);
    store.fail("read");
    await setFields(id, { message: "during the outage" });
    await advance(40_000);
    expect(calls).toHaveLength(1);
    store.recover();
    await advance(2_000);
    expect(calls.at(-1)?.[0]).toMatchObject({ message: "during the outage" });
  });
});
