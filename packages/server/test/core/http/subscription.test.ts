import { describe, expect, test, vi } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { fakeSink, openStream, subscribe } from "../streams.js";

useFakeTime();

describe("the first frames", () => {
  test("given a new reader, are hello with retry, then the snapshot, at once", async () => {
    const { progress, createJob } = makeContext({ retryMs: 2_000 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    const cursor = (await progress.status(id))?.cursor;
    expect(sink.events).toHaveLength(2);
    expect(sink.events[0]).toEqual({
      event: "hello",
      id: undefined,
      // 2000 ms and half of the jitter, since `random` returns 0.5.
      retry: 2_500,
      data: { protocol: 1, heartbeatMs: 15_000, cursor, now: 1_700_000_000_000 },
    });
    expect(sink.events[1]).toMatchObject({ event: "snapshot", id: cursor, data: { reset: true } });
  });

  test("given a reader that has the current state, are hello alone", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    const sink = await openStream(progress, id, { cursor });
    expect(sink.events.map(({ event }) => event)).toEqual(["hello"]);
  });

  test("given a job that has ended, are hello and end", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    await setFields(id, { status: "failed", error: { code: "x", message: "y" } });
    const sink = await openStream(progress, id);
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "end"]);
    expect(sink.events[1]).toMatchObject({ data: { reset: true, done: true } });
    expect(sink.ended).toBe(true);
  });
});

describe("an open stream", () => {
  test("given a change with only log lines, writes a log event; given one with fields, a progress event", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    await setFields(id, {}, ["only a line"]);
    await advance(0);
    expect(sink.events.at(-1)?.event).toBe("log");
    await setFields(id, { message: "m" }, ["and more"]);
    await advance(0);
    expect(sink.events.at(-1)?.event).toBe("progress");
  });

  test("given no change for heartbeatMs, writes a heartbeat without an id", async () => {
    const { progress, createJob, setFields } = makeContext({ heartbeatMs: 10_000 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    await advance(9_000);
    expect(sink.events).toHaveLength(2);
    await advance(1_600);
    expect(sink.events.at(-1)).toMatchObject({ event: "heartbeat", id: undefined });
    expect(sink.events.at(-1)?.data).toEqual({
      cursor: (await progress.status(id))?.cursor,
      now: expect.any(Number),
    });
    await setFields(id, { message: "m" });
    await advance(9_000);
    expect(sink.events.filter(({ event }) => event === "heartbeat")).toHaveLength(1);
    await advance(60_000);
    expect(sink.events.filter(({ event }) => event === "heartbeat").length).toBeGreaterThan(5);
  });

  test("given many readers, writes the same bytes of a heartbeat to each", async () => {
    const { progress, createJob } = makeContext({ heartbeatMs: 10_000 });
    const id = await createJob();
    const [one, other] = [await openStream(progress, id), await openStream(progress, id)];
    await advance(10_500);
    expect(one.events.at(-1)?.event).toBe("heartbeat");
    expect(other.chunks.at(-1)).toBe(one.chunks.at(-1));
  });

  test("given a change after a heartbeat, writes the new cursor in the next heartbeat", async () => {
    const { progress, createJob, setFields } = makeContext({ heartbeatMs: 10_000 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    await advance(10_500);
    await setFields(id, { message: "m" });
    await advance(10_500);
    const beats = sink.events.filter(({ event }) => event === "heartbeat");
    expect(beats).toHaveLength(2);
    expect(beats[1]?.data).toEqual({
      cursor: (await progress.status(id))?.cursor,
      // The store's time, whatever the clock of this process says.
      now: expect.any(Number),
    });
  });

  test.each([
    { heartbeatMs: 15_000, maxSilenceMs: 10_000, expected: 5_000 },
    { heartbeatMs: 3_000, maxSilenceMs: 10_000, expected: 3_000 },
    { heartbeatMs: 15_000, maxSilenceMs: 30_001, expected: 15_000 },
    { heartbeatMs: 15_000, maxSilenceMs: 2_501, expected: 1_250 },
    { heartbeatMs: 15_000, maxSilenceMs: Number.NaN, expected: 15_000 },
    { heartbeatMs: 15_000, maxSilenceMs: 0, expected: 15_000 },
    { heartbeatMs: 15_000, maxSilenceMs: undefined, expected: 15_000 },
  ])(
    "given heartbeatMs and maxSilenceMs as in %o, announces and keeps the expected interval",
    async ({ heartbeatMs, maxSilenceMs, expected }) => {
      const { progress, createJob } = makeContext({ heartbeatMs });
      const id = await createJob();
      const headers = { accept: "text/event-stream" };
      const answer = await progress.handle(requestFacts(`/${id}`, headers, { maxSilenceMs }));
      const sink = subscribe(answer);
      const other = await openStream(progress, id);
      expect(sink.events[0]?.data.heartbeatMs).toBe(expected);
      expect(other.events[0]?.data.heartbeatMs).toBe(heartbeatMs);
      await advance(expected * 10);
      const beats = sink.events.filter(({ event }) => event === "heartbeat").length;
      // The hub looks at the streams every 500 ms.
      expect(beats).toBeGreaterThanOrEqual(Math.floor((expected * 10) / (expected + 500)));
      expect(beats).toBeLessThanOrEqual(10);
    },
  );

  test("given no change for idleTimeoutMs, writes timeout and closes; a change restarts the time", async () => {
    const { progress, createJob, setFields } = makeContext({ idleTimeoutMs: 60_000 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    await advance(50_000);
    await setFields(id, { message: "alive" });
    await advance(50_000);
    expect(sink.ended).toBe(false);
    await advance(11_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "timeout", data: { scope: "stream" } });
    expect(Number(sink.events.at(-1)?.data.idleMs)).toBeGreaterThanOrEqual(60_000);
    expect(sink.ended).toBe(true);
    expect((await progress.status(id))?.status).toBe("queued");
  });

  test("given false for idleTimeoutMs and maxAgeMs, stays open", async () => {
    const { progress, createJob } = makeContext({ idleTimeoutMs: false, maxAgeMs: false });
    const sink = await openStream(progress, await createJob());
    await advance(5 * 3_600_000);
    expect(sink.ended).toBe(false);
  });

  test("given maxAgeMs, writes bye up to a fifth of it early", async () => {
    const { progress, createJob } = makeContext({ maxAgeMs: 100_000, idleTimeoutMs: false });
    const sink = await openStream(progress, await createJob());
    await advance(89_000);
    expect(sink.ended).toBe(false);
    // `random` returns 0.5, which is a tenth early.
    await advance(2_000);
    expect(sink.events.at(-1)).toMatchObject({
      event: "bye",
      retry: 2_500,
      data: { reason: "age", retryMs: 2_500 },
    });
    expect(sink.ended).toBe(true);
  });

  test("given a permission that ends, closes before its end", async () => {
    const until = 1_700_000_000_000 + 60_000;
    const { progress, createJob } = makeContext({ authorize: () => ({ allow: true, until }) });
    const sink = await openStream(progress, await createJob());
    await advance(58_000);
    expect(sink.ended).toBe(false);
    await advance(1_999);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
    expect(sink.ended).toBe(true);
  });

  test("given a permission that ends while the sink is full, destroys the sink", async () => {
    const until = 1_700_000_000_000 + 10_000;
    const { progress, createJob } = makeContext({ authorize: () => ({ allow: true, until }) });
    const sink = await openStream(progress, await createJob(), { sink: fakeSink(2) });
    await advance(10_000);
    expect(sink).toMatchObject({ destroyed: true, ended: false, writesWhileFull: 0 });
  });

  test("given a system clock that is set back and forward, keeps its heartbeats and stays open", async () => {
    const { progress, createJob } = makeContext({ heartbeatMs: 10_000 });
    const sink = await openStream(progress, await createJob());
    vi.setSystemTime(Date.now() - 3_600_000);
    await advance(31_000);
    expect(sink.events.filter(({ event }) => event === "heartbeat")).toHaveLength(3);
    vi.setSystemTime(Date.now() + 10 * 3_600_000);
    await advance(1_000);
    expect(sink.ended).toBe(false);
  });
});

describe("a sink or an adapter that fails", () => {
  test("given a sink that throws on write, closes its stream and writes to the others", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const broken = await openStream(progress, id);
    broken.write = () => {
      throw new Error("EPIPE");
    };
    const other = await openStream(progress, id);
    await setFields(id, { message: "m" });
    await advance(0);
    expect(other.state()?.set).toMatchObject({ message: "m" });
    expect(progress.metrics().slots).toBe(1);
  });

  test("given a sink that throws on end, frees its slot", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const broken = await openStream(progress, id);
    broken.end = () => {
      throw new Error("ERR_STREAM_DESTROYED");
    };
    await setFields(id, { status: "completed" });
    await advance(0);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a sink that closes during a write, writes nothing more to it", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    const { write } = sink;
    let writes = 0;
    sink.write = (bytes) => {
      writes += 1;
      sink.subscription?.closed();
      return write(bytes);
    };
    await setFields(id, { status: "completed" });
    await setFields(id, { message: "refused" }).catch(() => {});
    await advance(60_000);
    expect(writes).toBe(1);
    expect(sink.ended).toBe(false);
  });

  test("given a request signal that aborts without closed(), writes nothing more", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const client = new AbortController();
    const headers = { accept: "text/event-stream" };
    const answer = await progress.handle(
      requestFacts(`/${id}`, headers, { signal: client.signal }),
    );
    const sink = subscribe(answer);
    client.abort();
    await setFields(id, { message: "m" });
    await advance(60_000);
    expect(sink.events).toHaveLength(2);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });
});
