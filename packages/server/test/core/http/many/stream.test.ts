import { describe, expect, test } from "vitest";
import { type Fields, memoryStore } from "../../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../../context.js";
import { fakeSink, openMany } from "../../streams.js";

useFakeTime();

describe("a stream of named jobs", () => {
  test("given two jobs, sends hello, a snapshot of each, ready, and then their changes", async () => {
    const { progress, createJob, setFields } = makeContext();
    await createJob("a");
    await createJob("b");
    const sink = await openMany(progress, "job=a&job=b");
    expect(sink.names()).toEqual(["hello", "snapshot a", "snapshot b", "ready"]);
    expect(sink.events[0]).toMatchObject({ retry: 2_500, data: { protocol: 1 } });
    expect(sink.events[0]?.data).not.toHaveProperty("cursor");
    await setFields("b", { message: "m" }, ["line"]);
    await setFields("a", { message: "n" });
    await advance(0);
    expect(sink.names().slice(4)).toEqual(["progress b", "progress a"]);
    expect(sink.state("b")).toMatchObject({
      set: { message: "m" },
      log: [expect.objectContaining({ text: "line" })],
    });
    expect(sink.events.every(({ id }) => id === undefined)).toBe(true);
  });

  test("given cursors, sends what came after them, and nothing of a job that is known", async () => {
    const { progress, createJob, setFields } = makeContext();
    await createJob("a");
    await createJob("b");
    const [a, b] = [await progress.status("a"), await progress.status("b")];
    await setFields("a", { message: "m" });
    const sink = await openMany(progress, `job=a@${a?.cursor}&job=b@${b?.cursor}`);
    expect(sink.names()).toEqual(["hello", "progress a", "ready"]);
    expect(sink.deltas("a")[0]?.set).toMatchObject({ message: "m" });
  });

  test("given a job that is named twice, sends it once", async () => {
    const { progress, createJob } = makeContext();
    await createJob("a");
    const sink = await openMany(progress, "job=a&job=a&job=a@nonsense");
    expect(sink.names()).toEqual(["hello", "snapshot a", "ready"]);
  });

  test("given a cursor of another epoch, sends the snapshot and counts a reset", async () => {
    const { progress, createJob } = makeContext();
    await createJob("a");
    const sink = await openMany(progress, "job=a@other.3");
    expect(sink.names()).toEqual(["hello", "snapshot a", "ready"]);
    expect(progress.metrics().resets).toBe(1);
  });

  test("given the end of a job, sends it once and stays open for the others", async () => {
    const { progress, createJob, setFields } = makeContext();
    await createJob("a");
    await createJob("b");
    const sink = await openMany(progress, "job=a&job=b");
    await setFields("a", { status: "completed", result: 1 });
    await advance(0);
    await setFields("b", { message: "m" });
    await advance(0);
    expect(sink.names().slice(4)).toEqual(["end a", "progress b"]);
    expect(sink.ended).toBe(false);
  });

  test("given unknown and removed jobs, refuses each of them and sends the others", async () => {
    const { progress, createJob, setFields } = makeContext();
    for (const id of ["a", "gone"]) await createJob(id);
    await setFields("gone", { status: "completed" });
    await progress.remove("gone");
    const sink = await openMany(progress, "job=unknown&job=a&job=gone");
    expect(sink.names()).toEqual([
      "hello",
      "refused unknown",
      "refused gone",
      "snapshot a",
      "ready",
    ]);
    expect(sink.events.slice(1, 3).map(({ data }) => data)).toEqual([
      { job: "unknown", status: 404, code: "job-not-found" },
      { job: "gone", status: 410, code: "job-expired" },
    ]);
    expect(progress.metrics().refusals).toEqual({ "job-not-found": 1, "job-expired": 1 });
  });

  test("given a job that is removed, refuses it and goes on", async () => {
    const { progress, createJob, setFields } = makeContext();
    for (const id of ["a", "b"]) await createJob(id);
    const sink = await openMany(progress, "job=a&job=b");
    await setFields("a", { status: "completed" });
    await progress.remove("a");
    await setFields("b", { message: "m" });
    await advance(0);
    expect(sink.names().slice(4)).toEqual(["end a", "refused a", "progress b"]);
    expect(sink.ended).toBe(false);
    sink.subscription?.closed();
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0, streams: 0 });
  });

  test("given changes of one turn, sends the first at once and the others together", async () => {
    const store = memoryStore();
    const { progress, createJob } = makeContext({ store });
    await createJob("a");
    const sink = await openMany(progress, "job=a");
    await Promise.all(
      ["m", "n", "o"].map((message) => store.write("a", { set: { message }, log: [] })),
    );
    await advance(0);
    expect(sink.deltas("a").map(({ set }) => set.message)).toEqual([null, "m", "o"]);
  });

  test("given a slow sink, skips it and writes one delta per changed job when it drains", async () => {
    const { progress, createJob, setFields } = makeContext();
    for (const id of ["a", "b", "c"]) await createJob(id);
    const sink = await openMany(progress, "job=a&job=b&job=c", { sink: fakeSink(5) });
    expect(sink.names()).toHaveLength(5);
    for (const message of ["1", "2", "3"])
      for (const id of ["b", "a"]) {
        await setFields(id, { message }, [message]);
        await advance(0);
      }
    expect(sink.names()).toHaveLength(5);
    sink.drain();
    expect(sink.names().slice(5)).toEqual(["progress b", "progress a"]);
    expect(sink.state("a")?.log.map(({ text }) => text)).toEqual(["1", "2", "3"]);
    expect(sink.writesWhileFull).toBe(0);
    expect(progress.metrics().mergedDeltas).toBe(6);
  });

  test("given a sink that takes one frame at a time, serves the jobs in turn", async () => {
    const { progress, createJob, setFields } = makeContext();
    for (const id of ["a", "b", "c"]) await createJob(id);
    const sink = await openMany(progress, "job=a&job=b&job=c", { sink: fakeSink(1) });
    for (let round = 0; round < 6; round += 1) {
      await setFields("a", { message: String(round) });
      await advance(0);
      sink.drain(1);
    }
    expect(sink.names()).toEqual([
      "hello",
      "snapshot a",
      "snapshot b",
      "snapshot c",
      "progress a",
      "progress a",
      "progress a",
    ]);
  });

  test("given the last sink that leaves, closes the topics and frees the one slot", async () => {
    const { progress, createJob, store } = makeContext();
    for (const id of ["a", "b"]) await createJob(id);
    const sinks = [
      await openMany(progress, "job=a&job=b"),
      await openMany(progress, "job=b&job=a"),
    ];
    expect(progress.metrics()).toMatchObject({ slots: 2, watchedJobs: 2, streams: 2 });
    for (const sink of sinks) sink.subscription?.closed();
    await advance(0);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0, streams: 0 });
    expect(store.calls).toMatchObject({ watch: 2, unwatch: 2 });
  });
});

describe("the life of a stream of many jobs", () => {
  test("given silence, sends heartbeats without a cursor, then ends as idle", async () => {
    const { progress, createJob } = makeContext({ idleTimeoutMs: 40_000 });
    await createJob("a");
    const sink = await openMany(progress, "job=a");
    await advance(16_000);
    expect(sink.events.at(-1)).toMatchObject({
      event: "heartbeat",
      data: { now: expect.any(Number) },
    });
    expect(sink.events.at(-1)?.data).not.toHaveProperty("cursor");
    await advance(25_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "timeout", data: { scope: "stream" } });
    expect(sink.ended).toBe(true);
  });

  test("given a change of any of its jobs, is not idle", async () => {
    const { progress, createJob, setFields } = makeContext({ idleTimeoutMs: 40_000 });
    for (const id of ["a", "b"]) await createJob(id);
    const sink = await openMany(progress, "job=a&job=b");
    for (const id of ["a", "b", "a"]) {
      await advance(30_000);
      await setFields(id, { message: "m" });
    }
    await advance(30_000);
    expect(sink.ended).toBe(false);
  });

  test("given a drain, ends with bye", async () => {
    const { progress, createJob } = makeContext();
    await createJob("a");
    const sink = await openMany(progress, "job=a");
    const drained = progress.drain({ spreadMs: 0 });
    await advance(100);
    await drained;
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "drain" } });
    expect(sink.ended).toBe(true);
  });

  test("given its maximum age, ends with bye", async () => {
    const { progress, createJob } = makeContext({ maxAgeMs: 20_000 });
    await createJob("a");
    const sink = await openMany(progress, "job=a");
    await advance(20_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "age" } });
  });

  test("given a sink that stays full for stallMs, is destroyed", async () => {
    const { progress, createJob, setFields } = makeContext({ stallMs: 30_000 });
    await createJob("a");
    const sink = await openMany(progress, "job=a", { sink: fakeSink(3) });
    await setFields("a", { message: "m" });
    await advance(32_000);
    expect(sink).toMatchObject({ destroyed: true, ended: false, writesWhileFull: 0 });
    expect(progress.metrics()).toMatchObject({ slots: 0, streamsClosed: { slow: 1 } });
  });

  test("given an answer that nobody subscribes to, gives its slot back", async () => {
    const { progress, createJob } = makeContext({ stallMs: 5_000 });
    await createJob("a");
    const abort = new AbortController();
    const sink = openMany(progress, "job=a", { signal: abort.signal });
    abort.abort();
    await expect(sink).rejects.toThrow("499");
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a value that can't be sent, refuses its job and goes on with the others", async () => {
    const { progress, createJob, setFields, errors, store } = makeContext();
    for (const id of ["a", "b"]) await createJob(id);
    const sink = await openMany(progress, "job=a&job=b");
    const { read } = store;
    store.read = async (jobId, cursor) => {
      const delta = await read(jobId, cursor);
      const odd = { "metadata.odd": 1n } as unknown as Fields;
      return delta && (jobId === "a" ? { ...delta, set: { ...delta.set, ...odd } } : delta);
    };
    await setFields("a", { message: "m" });
    await setFields("b", { message: "m" });
    await advance(0);
    expect(sink.names().slice(4)).toEqual(["refused a", "progress b"]);
    expect(sink.events[4]?.data).toEqual({ job: "a", status: 500, code: "internal" });
    expect(errors).toHaveLength(1);
  });

  test("given a store that fails for long, sends heartbeats and then bye", async () => {
    const { progress, createJob, store } = makeContext();
    await createJob("a");
    const sink = await openMany(progress, "job=a");
    store.fail("read");
    await advance(20_000);
    expect(sink.names().at(-1)).toBe("heartbeat");
    await advance(30_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "store" } });
  });

  test("given hooks, are told of the jobs and not of one", async () => {
    const opened: unknown[] = [];
    const closed: unknown[] = [];
    const { progress, createJob } = makeContext({
      onStreamOpen: (stream) => void opened.push(stream),
      onStreamClose: (stream) => void closed.push(stream),
    });
    for (const id of ["a", "b"]) await createJob(id);
    const sink = await openMany(progress, "job=a&job=b");
    sink.subscription?.closed();
    await advance(0);
    expect(opened).toEqual([{ jobId: undefined, jobs: 2, subjects: [], streams: 1 }]);
    expect(closed).toEqual([
      { jobId: undefined, jobs: 2, subjects: [], reason: "client", durationMs: 0 },
    ]);
  });
});
