import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime, waitUntil } from "./context.js";
import { requestFacts } from "./requests.js";
import { fakeSink, openStream } from "./streams.js";

useFakeTime();

const POLL = { accept: "application/json" };

describe("metrics()", () => {
  test("given a progress without use, has zeros only", () => {
    const { progress } = makeContext();
    const metrics = progress.metrics();
    expect(numbersIn(metrics).every((value) => value === 0)).toBe(true);
    expect(numbersIn(metrics).length).toBeGreaterThan(100);
  });

  test("given streams, counts those that are open, were opened and were closed by reason", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const left = await openStream(progress, id);
    await openStream(progress, id);
    left.subscription?.closed();
    expect(progress.metrics()).toMatchObject({ streams: 1, slots: 1, watchedJobs: 1 });
    await progress.run(id, async () => {});
    await advance(0);
    const { streams, slots, streamsOpened, streamsClosed } = progress.metrics();
    expect({ streams, slots, streamsOpened }).toEqual({ streams: 0, slots: 0, streamsOpened: 2 });
    expect(streamsClosed).toMatchObject({ client: 1, end: 1, drain: 0 });
  });

  test("given an answer that is not subscribed to, takes a slot and is no open stream", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    await progress.handle(requestFacts(`/${id}`, { accept: "text/event-stream" }));
    expect(progress.metrics()).toMatchObject({ streams: 0, slots: 1 });
  });

  test("given a long poll, counts it while it is held", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    const answer = progress.handle(requestFacts(`/${id}?after=${cursor}&wait=20`, POLL));
    await waitUntil(() => progress.metrics().polls === 1);
    await setFields(id, { message: "m" });
    await advance(0);
    expect((await answer).status).toBe(200);
    expect(progress.metrics()).toMatchObject({ polls: 0, slots: 0 });
  });

  test("given frames, counts each delta and all bytes", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const sinks = [await openStream(progress, id), await openStream(progress, id)];
    await setFields(id, { message: "m" });
    await advance(16_000);
    const chunks = sinks.flatMap((sink) => sink.chunks);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    expect(sinks[0]?.events.map(({ event }) => event)).toEqual([
      "hello",
      "snapshot",
      "progress",
      "heartbeat",
    ]);
    expect(progress.metrics()).toMatchObject({ deltas: 4, bytes, mergedDeltas: 0 });
  });

  test("given a full sink, counts the changes that it was not sent", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id, { sink: fakeSink(2) });
    for (const message of ["a", "b", "c"]) {
      await setFields(id, { message });
      await advance(0);
    }
    expect(progress.metrics()).toMatchObject({ deltas: 1, mergedDeltas: 3 });
    sink.drain();
    expect(progress.metrics()).toMatchObject({ deltas: 2, mergedDeltas: 3 });
  });

  test("given a sink that is full after hello, counts no change as merged", async () => {
    const { progress, createJob } = makeContext();
    await openStream(progress, await createJob(), { sink: fakeSink(1) });
    expect(progress.metrics()).toMatchObject({ deltas: 0, mergedDeltas: 0 });
  });

  test("given unknown cursors, counts a reset for each stream and poll", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    await openStream(progress, id);
    await openStream(progress, id, { cursor });
    expect(progress.metrics().resets).toBe(0);
    await openStream(progress, id, { cursor: "other.5" });
    await openStream(progress, id, { cursor: "another.5" });
    await progress.handle(requestFacts(`/${id}?after=other.5`, POLL));
    expect(progress.metrics().resets).toBe(3);
  });

  test("given refusals, counts them by code", async () => {
    const { progress } = makeContext();
    await progress.handle(requestFacts("/none", POLL));
    await progress.handle(requestFacts("/none", POLL));
    await progress.handle(requestFacts("/none", {}, { method: "DELETE" }));
    expect(progress.metrics().refusals).toEqual({ "job-not-found": 2, forbidden: 1 });
  });

  test("given calls of the store, counts them, their time and those that failed", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const release = store.holdReplies("read");
    const read = progress.status(id);
    await advance(40);
    release();
    await read;
    await expect(progress.status("unknown")).resolves.toBeUndefined();
    store.fail("read");
    await expect(progress.status(id)).rejects.toMatchObject({ code: "store-unavailable" });
    const { create, read: reads, remove } = progress.metrics().store;
    expect(create).toMatchObject({ failed: 0, duration: { count: 1 } });
    expect(remove.duration.count).toBe(0);
    expect(reads).toMatchObject({ failed: 1, duration: { count: 3, sumMs: 40 } });
    expect(reads.duration.buckets).toContainEqual({ leMs: 25, count: 2 });
    expect(reads.duration.buckets).toContainEqual({ leMs: 50, count: 3 });
    expect(reads.duration.buckets.at(-1)).toEqual({ leMs: 10_000, count: 3 });
  });

  test("given a call that lasts longer than all bounds, is in the count and in no bucket", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    store.hold("read");
    const read = expect(progress.status(id)).rejects.toMatchObject({ code: "store-unavailable" });
    await advance(10_001);
    await read;
    const { failed, duration } = progress.metrics().store.read;
    expect({ failed, count: duration.count }).toEqual({ failed: 1, count: 1 });
    expect(duration.sumMs).toBeGreaterThanOrEqual(10_000);
  });

  test("given jobs that end, counts them by status, with those that a sweep ended", async () => {
    const { progress, createJob } = makeContext({ leaseMs: 10_000 });
    await progress.run(await createJob(), async () => {});
    await progress.end(await createJob(), "failed");
    const { id } = await progress.create({ kind: "test", deadlineMs: 1_000 });
    await advance(2_000);
    await progress.sweep();
    expect(await progress.status(id)).toMatchObject({ status: "timed-out" });
    const { endedJobs, sweeps } = progress.metrics();
    const none = { cancelled: 0, lost: 0 };
    expect(endedJobs).toEqual({ completed: 1, failed: 1, "timed-out": 1, ...none });
    expect(sweeps).toEqual({ runs: 1, stale: 0, lost: 0, timedOut: 1, expired: 0 });
  });

  test("given a change that is read late, observes the time from the store to the readers", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    const id = await createJob();
    await openStream(progress, id);
    await openStream(progress, id);
    expect(progress.metrics().writeToWire.count).toBe(0);
    store.wakes = "late";
    await setFields(id, { message: "m" });
    await advance(1_000);
    const { count, sumMs, buckets } = progress.metrics().writeToWire;
    expect(count).toBe(1);
    expect(sumMs).toBeGreaterThanOrEqual(290);
    expect(sumMs).toBeLessThanOrEqual(310);
    expect(buckets).toContainEqual({ leMs: 250, count: 0 });
    expect(buckets).toContainEqual({ leMs: 500, count: 1 });
  });

  test("given two progresses, counts each on its own; a copy does not change", async () => {
    const [one, other] = [makeContext(), makeContext()];
    const before = one.progress.metrics();
    await openStream(one.progress, await one.createJob());
    await one.progress.handle(requestFacts("/none", POLL));
    expect(numbersIn(before).every((value) => value === 0)).toBe(true);
    expect(other.progress.metrics()).toEqual(before);
  });
});

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.flatMap(({ count }) => count);
  return Object.values(value as object).flatMap(numbersIn);
}
