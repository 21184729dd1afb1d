import { applyDelta, type Delta, deltaAfter, emptyReplica } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { memoryStore, type ProgressStore, type Wake } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { type FaultyStore, faultyStore } from "../faulty-store.js";
import { openStream } from "../streams.js";

useFakeTime();

/** The memory store with its own wakes, which carry deltas, and a count of its reads. */
function countedStore(pass: (wake: Wake) => Wake = (wake) => wake): FaultyStore {
  const store = memoryStore();
  const inner: ProgressStore = {
    ...store,
    watch: (target, wake) => store.watch(target, pass(wake)),
  };
  const { watch, write } = inner;
  return { ...faultyStore(inner), watch, write };
}

describe("a turn of the event loop", () => {
  test("given a burst of 16 changes in it, writes the first at once and the rest as one delta", async () => {
    const { progress, store, createJob } = makeContext({}, countedStore());
    const id = await createJob();
    const sinks = [await openStream(progress, id), await openStream(progress, id)];
    const before = sinks.map(({ chunks }) => chunks.length);
    for (let n = 1; n <= 16; n += 1) void store.write(id, { set: { message: `${n}` }, log: [] });
    expect(sinks.map(({ chunks }, i) => chunks.length - (before[i] ?? 0))).toEqual([1, 1]);
    expect(sinks[0]?.state()?.set.message).toBe("1");
    await advance(0);
    expect(sinks.map(({ chunks }, i) => chunks.length - (before[i] ?? 0))).toEqual([2, 2]);
    for (const sink of sinks) expect(sink.state()?.set.message).toBe("16");
  });

  test("given lines in a burst, delivers each once and in order", async () => {
    const { progress, store, createJob } = makeContext({}, countedStore());
    const id = await createJob();
    const sink = await openStream(progress, id);
    for (let n = 1; n <= 5; n += 1)
      void store.write(id, { set: {}, log: [{ at: n, level: "info", text: `${n}` }] });
    await advance(0);
    expect(sink.state()?.log.map(({ text }) => text)).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("given an end in the rest of a turn, the end is the last frame", async () => {
    const { progress, store, createJob } = makeContext({}, countedStore());
    const id = await createJob();
    const sink = await openStream(progress, id);
    void store.write(id, { set: { message: "on" }, log: [] });
    void store.write(id, { set: { status: "completed" }, log: [] });
    await advance(0);
    expect(sink.events.at(-1)?.event).toBe("end");
    expect(sink.ended).toBe(true);
  });

  test("given a progress that closes in the same turn, delivers the end first", async () => {
    const { progress, store, createJob } = makeContext({}, countedStore());
    const id = await createJob();
    const sink = await openStream(progress, id);
    void store.write(id, { set: { message: "on" }, log: [] });
    void store.write(id, { set: { status: "completed" }, log: [] });
    void progress.close();
    expect(sink.events.at(-1)?.event).toBe("end");
    await advance(0);
    expect(sink.events.at(-1)?.event).toBe("end");
  });

  test("given a reader that comes within it, has everything and gets nothing twice", async () => {
    const { progress, store, createJob } = makeContext({}, countedStore());
    const id = await createJob();
    const first = await openStream(progress, id);
    void store.write(id, { set: { message: "1" }, log: [] });
    void store.write(id, { set: { message: "2" }, log: [] });
    const second = await openStream(progress, id);
    const count = second.chunks.length;
    expect(second.state()?.set.message).toBe("2");
    await advance(0);
    expect(second.chunks).toHaveLength(count);
    expect(first.state()?.set.message).toBe("2");
  });
});

describe("a wake with a delta", () => {
  test("given the next version, applies it without a read", async () => {
    const { progress, store, createJob, setFields } = makeContext({}, countedStore());
    const id = await createJob();
    const sink = await openStream(progress, id);
    const before = store.calls.read;
    await setFields(id, { message: "1" }, ["one"]);
    await setFields(id, { message: "2" }, ["two"]);
    await advance(0);
    expect(store.calls.read).toBe(before);
    expect(sink.state()).toMatchObject({ set: { message: "2" } });
  });

  test.each<[string, (wake: Wake) => Wake]>([
    ["that are lost", () => (version) => void version],
    ["every second of which is lost", everySecond],
    ["that come twice", (wake) => (version, delta) => [wake(version, delta), wake(version, delta)]],
    ["in the wrong order", inPairsReversed],
    ["without a version", (wake) => (_version, delta) => wake(undefined, delta)],
    ["of another epoch", (wake) => (version, delta) => wake(version, ofOtherEpoch(delta))],
  ])("given wakes %s, has the state of the store", async (_case, pass) => {
    const { progress, store, createJob, setFields } = makeContext({}, countedStore(pass));
    const id = await createJob();
    const sink = await openStream(progress, id);
    for (let n = 1; n <= 7; n += 1) {
      await setFields(id, { message: `${n}`, [`metadata.k${n}`]: n }, [`${n}`]);
      if (n % 3 === 0) await advance(0);
    }
    // Wakes that were lost are made up for by the next read.
    await advance(60_000);
    const stored = await store.read(id);
    const { cursor: _cursor, ...shown } = sink.state() ?? ({} as Delta);
    expect(shown.set).toEqual(stored?.set);
    expect(shown.log).toEqual(stored?.log);
  });

  test("given one while a read is under way, applies both", async () => {
    const { progress, store, createJob, setFields } = makeContext({}, countedStore());
    const id = await createJob();
    const sink = await openStream(progress, id);
    const release = store.holdReplies("read");
    await advance(30_000);
    await setFields(id, { message: "later" }, ["later"]);
    release();
    await advance(0);
    expect(sink.state()).toMatchObject({ set: { message: "later" } });
    expect(sink.state()?.log.map(({ text }) => text)).toEqual(["later"]);
  });
});

test("given the deltas of its wakes, a replica equals the store at each version", async () => {
  const store = memoryStore();
  const { jobId } = await store.create({ id: "a", set: { status: "queued" } });
  const replica = emptyReplica();
  const first = await store.read(jobId);
  if (first) applyDelta(replica, first);
  const told: number[] = [];
  await store.watch({ jobId }, (version, delta) => {
    if (delta) applyDelta(replica, delta);
    told.push(version ?? -1);
  });
  for (let n = 1; n <= 20; n += 1) {
    const set = n % 4 === 0 ? {} : { message: `${n}` };
    const log = n % 2 === 0 ? [{ at: n, level: "info" as const, text: `${n}` }] : [];
    await store.write(jobId, { set, log });
    const { now: _now, ...stored } = (await store.read(jobId)) ?? ({} as never);
    expect(deltaAfter(replica)).toEqual(stored);
  }
  expect(told).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
});

function everySecond(wake: Wake): Wake {
  let count = 0;
  return (version, delta) => {
    count += 1;
    if (count % 2 === 0) wake(version, delta);
  };
}

function inPairsReversed(wake: Wake): Wake {
  let held: (() => void) | undefined;
  return (version, delta) => {
    const earlier = held;
    held = earlier ? undefined : () => wake(version, delta);
    if (!earlier) return;
    wake(version, delta);
    earlier();
  };
}

function ofOtherEpoch(delta: Delta | undefined): Delta | undefined {
  return delta && { ...delta, cursor: delta.cursor.replace(/^[^.]+/, "other") };
}
