import { expect, test, vi } from "vitest";
import type { Reporter } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { faultyStore } from "../faulty-store.js";
import { bodyOf, requestFacts } from "../requests.js";
import { openStream } from "../streams.js";

/*
 * Regression tests for the faults of the system that this library replaces. Each number is that of a fault.
 */

useFakeTime();

const STREAM = { accept: "text/event-stream" };

test("fault 1: given a reader that reconnects with its event id, sends nothing twice", async () => {
  const { progress, createJob, setFields } = makeContext();
  const id = await createJob();
  const first = await openStream(progress, id);
  await setFields(id, { message: "one" }, ["line 1"]);
  await advance(0);
  const lastId = first.events.at(-1)?.id;
  expect(lastId).toBeDefined();
  first.subscription?.closed();
  await setFields(id, { message: "two" }, ["line 2"]);
  const second = await openStream(progress, id, { cursor: lastId });
  expect(second.deltas().flatMap(({ log }) => log.map(({ text }) => text))).toEqual(["line 2"]);
  expect(second.deltas().some(({ reset }) => reset)).toBe(false);
});

test("fault 2: given an end that one reader received, sends it to later readers too", async () => {
  const { progress, createJob } = makeContext();
  const id = await createJob();
  const first = await openStream(progress, id);
  await progress.run(id, async () => ({ url: "/v" }));
  await advance(600);
  expect(first.events.at(-1)?.event).toBe("end");
  for (const _reader of ["second tab", "reload"]) {
    const sink = await openStream(progress, id);
    expect(sink.events.at(-1)).toMatchObject({
      event: "end",
      data: { set: { result: { url: "/v" } } },
    });
  }
  expect(await progress.status(id)).toMatchObject({ status: "completed", result: { url: "/v" } });
});

test("fault 3: given an error in the last step, sends an end with the status failed", async () => {
  const { progress, createJob } = makeContext();
  const id = await createJob();
  const sink = await openStream(progress, id);
  await progress.run(id, (reporter) =>
    reporter.step("finalize", () => {
      throw new Error("disk full");
    }),
  );
  await advance(600);
  expect(sink.events.at(-1)).toMatchObject({ event: "end", data: { set: { status: "failed" } } });
  expect(sink.ended).toBe(true);
});

test("fault 3: given a worker that dies, sends stale within seconds, then an end with the status lost", async () => {
  const store = faultyStore();
  const worker = makeContext({ leaseMs: 6_000 }, store);
  const server = makeContext({ leaseMs: 6_000, sweepIntervalMs: 2_000 }, store);
  const id = await worker.createJob();
  const sink = await openStream(server.progress, id);
  await worker.progress.open(id);
  await worker.progress.close();
  await advance(9_000);
  expect(sink.state()?.set).toMatchObject({ status: "running", stale: true });
  // It is lost a whole lease after the sweep that marked it.
  await advance(9_000);
  expect(sink.events.at(-1)).toMatchObject({ event: "end", data: { set: { status: "lost" } } });
});

test("fault 4: given an unknown id, answers 404 at once and leaves no watch and no timer", async () => {
  const { progress, store } = makeContext();
  const answer = await progress.handle(requestFacts("/unknown", STREAM));
  expect(answer).toMatchObject({ kind: "body", status: 404 });
  expect(bodyOf(answer)).toMatchObject({ code: "job-not-found" });
  expect(store.calls.watch).toBe(store.calls.unwatch);
  expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
  await advance(1_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("fault 5: given a job that takes twenty minutes, keeps one stream open from its start to its end", async () => {
  const { progress, createJob, setFields } = makeContext();
  const id = await createJob();
  const sink = await openStream(progress, id);
  for (let minute = 1; minute <= 20; minute += 1) {
    await advance(60_000);
    await setFields(id, { message: `minute ${minute}` });
  }
  await setFields(id, { status: "completed" });
  await advance(0);
  expect(sink.events.at(-1)?.event).toBe("end");
  expect(sink.events.some(({ event }) => event === "timeout" || event === "bye")).toBe(false);
});

test("fault 5: given ten minutes without a change, writes timeout, and the reader can reconnect", async () => {
  const { progress, createJob, setFields } = makeContext();
  const id = await createJob();
  const sink = await openStream(progress, id);
  const cursor = sink.events.at(-1)?.id;
  await advance(601_000);
  expect(sink.events.at(-1)).toMatchObject({ event: "timeout", data: { scope: "stream" } });
  await setFields(id, { message: "still there" });
  const again = await openStream(progress, id, { cursor });
  expect(again.deltas()).toMatchObject([{ set: { message: "still there" } }]);
});

test("fault 11: given a stream, sends retry and the heartbeat interval, and writes heartbeats", async () => {
  const { progress, createJob } = makeContext({ heartbeatMs: 12_000 });
  const sink = await openStream(progress, await createJob());
  expect(sink.events[0]).toMatchObject({
    event: "hello",
    retry: expect.any(Number),
    data: { heartbeatMs: 12_000 },
  });
  await advance(125_000);
  const beats = sink.events.filter(({ event }) => event === "heartbeat");
  expect(beats.length).toBeGreaterThanOrEqual(10);
});

test("fault 12: given any frame, its event name states its kind; given an end, its status is right", async () => {
  const { progress, createJob, setFields } = makeContext({ heartbeatMs: 5_000 });
  const id = await createJob();
  const sink = await openStream(progress, id);
  await setFields(id, { step: "completed", message: "completed" });
  await advance(6_000);
  expect(sink.events.map(({ event }) => event)).toEqual([
    "hello",
    "snapshot",
    "progress",
    "heartbeat",
  ]);
  expect(sink.ended).toBe(false);
  await progress.run(id, () => {
    throw new Error("x");
  });
  await advance(0);
  const end = sink.events.at(-1);
  expect(end).toMatchObject({ event: "end", data: { done: true, set: { status: "failed" } } });
  const state = await progress.status(id);
  expect(state).toMatchObject({ status: "failed", result: null });
  expect(state?.percent).not.toBe(100);
});

test("fault 13: given falling values of a step, the percent never falls and is 100 only at the end", async () => {
  const { progress } = makeContext();
  const plan = [
    { id: "speech", title: "Speech", weight: 1 },
    { id: "render", title: "Render", weight: 4 },
  ];
  const { id } = await progress.create({ kind: "video", plan });
  const percents: number[] = [];
  const readPercent = async (): Promise<void> => {
    await advance(150);
    percents.push((await progress.status(id))?.percent ?? 0);
  };
  await progress.run(id, async (job: Reporter) => {
    await job.step("speech", () => {});
    await readPercent();
    await job.step("render", async (step) => {
      for (const done of [10, 60, 30, 249, 5]) {
        step.update({ done, total: 249 });
        await readPercent();
      }
    });
    await readPercent();
  });
  await readPercent();
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
  expect(new Set(percents).size).toBeGreaterThan(4);
  expect(percents.filter((percent) => percent === 100)).toHaveLength(1);
  expect(percents.at(-2)).toBe(99);
});

test("fault 15: given an end, sends it once, and answers 204 to a request with its cursor", async () => {
  const { progress, store, createJob } = makeContext();
  const id = await createJob();
  const sink = await openStream(progress, id);
  store.wakes = "doubled";
  await progress.run(id, async () => 1);
  await advance(60_000);
  expect(sink.events.filter(({ event }) => event === "end")).toHaveLength(1);
  const lastId = sink.events.at(-1)?.id ?? "";
  const again = await progress.handle(
    requestFacts(`/${id}`, { ...STREAM, "last-event-id": lastId }),
  );
  expect(again.status).toBe(204);
});
