import { describe, expect, test } from "vitest";
import type { JobState, LogLine } from "../../src/index.js";
import { makeWorld, openStream, pass, useFakeTime } from "./kit.js";

useFakeTime();

describe("update", () => {
  test("given a queued job, sets message and metadata, and readers get them", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    await progress.update(id, { message: "Second in line", metadata: { position: 2 } });
    await pass(0);
    expect(sink.state()?.set).toMatchObject({ message: "Second in line", "metadata.position": 2 });
    await progress.update(id, { message: null, metadata: { position: null } });
    expect(await progress.status(id)).toMatchObject({ message: null, metadata: {} });
  });

  test("given an update that sets nothing, writes nothing", async () => {
    const { progress, job, store } = makeWorld();
    const id = await job();
    await progress.update(id, {});
    await progress.update(id, { metadata: { position: undefined } });
    expect(store.calls.write).toBe(0);
  });

  test("given a percent that falls, keeps the higher one", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    await progress.update(id, { percent: 40 });
    await progress.update(id, { percent: 20 });
    expect(await progress.status(id)).toMatchObject({ percent: 40 });
  });

  test.each([
    ["a percent that is no number", { percent: Number.NaN }, "invalid-change"],
    ["a metadata key with a dot", { metadata: { "a.b": 1 } }, "invalid-change"],
    ["a value that JSON can't carry", { metadata: { a: 1n } }, "invalid-change"],
    ["too much", { metadata: { a: "x".repeat(300_000) } }, "too-large"],
  ])("given %s, throws and writes nothing", async (_name, update, code) => {
    const { progress, job, store } = makeWorld();
    const id = await job();
    await expect(progress.update(id, update as never)).rejects.toMatchObject({ code });
    expect(store.calls.write).toBe(0);
  });

  test("given a job with a plan, refuses a percent of its own", async () => {
    const { progress } = makeWorld();
    const plan = [{ id: "a", title: "A", weight: 1 }];
    const { id } = await progress.create({ kind: "k", plan });
    await expect(progress.update(id, { percent: 5 })).rejects.toMatchObject({
      code: "invalid-change",
    });
  });

  test("given a job that has ended, or none, throws", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    await set(id, { status: "completed" });
    await expect(progress.update(id, { message: "late" })).rejects.toMatchObject({
      code: "job-finished",
    });
    await expect(progress.update("nobody", { message: "x" })).rejects.toMatchObject({
      code: "job-not-found",
    });
  });
});

describe("end", () => {
  test.each(["failed", "cancelled", "lost", "timed-out"] as const)(
    "given %s, ends the job, closes its running steps, and stops its worker",
    async (status) => {
      const { progress } = makeWorld();
      const plan = [{ id: "a", title: "A", weight: 1 }];
      const worker = await progress.open(await progress.create({ kind: "k", plan }));
      worker.beginStep("a").update({ percent: 30 });
      await worker.flush();
      await pass(1_000);
      const error = { code: "worker-gone", message: "The worker is gone." };
      const state = await progress.end(worker.id, status, { message: "Ended", error });
      expect(state).toMatchObject({
        status,
        message: "Ended",
        error,
        finishedAt: Date.now(),
        steps: { a: { status: "failed", percent: 30, finishedAt: Date.now() } },
      });
      await pass(0);
      expect(worker.signal.aborted).toBe(true);
    },
  );

  test("given a job that has ended, throws, and the first end stays", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    await progress.end(id, "failed");
    await expect(progress.end(id, "lost")).rejects.toMatchObject({ code: "job-finished" });
    expect(await progress.status(id)).toMatchObject({ status: "failed" });
  });

  test.each(["completed", "running", "nonsense"])("given %s, refuses it", async (status) => {
    const { progress, job } = makeWorld();
    const id = await job();
    await expect(progress.end(id, status as never)).rejects.toMatchObject({
      code: "invalid-option",
    });
    expect(await progress.status(id)).toMatchObject({ status: "queued" });
  });
});

describe("remove", () => {
  test("given an ended job, removes it with its key, and its readers learn that it is gone", async () => {
    const { progress } = makeWorld();
    const { id } = await progress.create({ kind: "k", key: "once" });
    await progress.end(id, "failed");
    expect(await progress.remove(id)).toBe(true);
    expect(await progress.status(id)).toBeUndefined();
    expect(await progress.remove(id)).toBe(false);
    expect(await progress.create({ kind: "k", key: "once" })).toMatchObject({ created: true });
  });

  test("given a job that has not ended, throws and keeps it", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    await expect(progress.remove(id)).rejects.toMatchObject({
      code: "job-not-finished",
      status: 409,
    });
    expect(await progress.status(id)).toMatchObject({ status: "queued" });
  });

  test("given an unknown job, returns false", async () => {
    const { progress } = makeWorld();
    expect(await progress.remove("nobody")).toBe(false);
  });
});

describe("watch", () => {
  type Call = readonly [job: JobState | undefined, texts: readonly string[]];

  function recorder(): {
    readonly calls: Call[];
    listener: (job: JobState | undefined, log: readonly LogLine[]) => void;
  } {
    const calls: Call[] = [];
    return { calls, listener: (job, log) => calls.push([job, log.map(({ text }) => text)]) };
  }

  test("given a listener, calls it at once and after each change, with each line once, until the end", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    await set(id, { message: "first" }, ["one"]);
    const { calls, listener } = recorder();
    await progress.watch(id, listener);
    await set(id, { message: "second" }, ["two", "three"]);
    await pass(0);
    await set(id, { status: "completed", result: 7 });
    await pass(0);
    expect(calls.map(([state, texts]) => [state?.message, state?.status, texts])).toEqual([
      ["first", "queued", ["one"]],
      ["second", "queued", ["two", "three"]],
      ["second", "completed", []],
    ]);
    expect(progress.stats()).toMatchObject({ watchedJobs: 0, streams: 0 });
  });

  test("given a job that has ended, calls the listener once and watches nothing", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    await set(id, { status: "failed" });
    const { calls, listener } = recorder();
    await progress.watch(id, listener);
    expect(calls).toHaveLength(1);
    expect(progress.stats().watchedJobs).toBe(0);
  });

  test("given a removal, calls the listener with undefined, once", async () => {
    const { progress, job, store } = makeWorld();
    const id = await job();
    const { calls, listener } = recorder();
    await progress.watch(id, listener);
    await store.remove(id);
    await pass(0);
    expect(calls.map(([state]) => state?.status)).toEqual(["queued", undefined]);
    expect(progress.stats().watchedJobs).toBe(0);
  });

  test("given the returned function, calls the listener no more; a second call does nothing", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const { calls, listener } = recorder();
    const other = recorder();
    const stop = await progress.watch(id, listener);
    await progress.watch(id, other.listener);
    stop();
    stop();
    await set(id, { message: "x" });
    await pass(0);
    expect(calls).toHaveLength(1);
    expect(other.calls).toHaveLength(2);
    expect(progress.stats().watchedJobs).toBe(1);
  });

  test("given listeners that throw or reject, reports each error and goes on", async () => {
    const { progress, job, set, errors } = makeWorld();
    const id = await job();
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
    await set(id, { message: "x" });
    await pass(0);
    expect(calls).toBe(2);
    expect(seen).toHaveLength(2);
    expect(errors.map(({ code }) => code)).toEqual(Array(4).fill("internal"));
  });

  test("given watches, takes no stream slots", async () => {
    const { progress, job } = makeWorld({ maxStreams: 1 });
    const id = await job();
    await progress.watch(id, () => {});
    await progress.watch(id, () => {});
    await openStream(progress, id);
    expect(progress.stats().streams).toBe(1);
  });

  test("given an unknown job, throws", async () => {
    const { progress } = makeWorld();
    await expect(progress.watch("nobody", () => {})).rejects.toMatchObject({
      code: "job-not-found",
    });
  });

  test("given an outage, goes on once the store is back", async () => {
    const { progress, job, set, store } = makeWorld({ rereadMs: 1_000 });
    const id = await job();
    const { calls, listener } = recorder();
    await progress.watch(id, listener);
    store.fail("read");
    await set(id, { message: "during the outage" });
    await pass(40_000);
    expect(calls).toHaveLength(1);
    store.heal();
    await pass(2_000);
    expect(calls.at(-1)?.[0]).toMatchObject({ message: "during the outage" });
  });
});
