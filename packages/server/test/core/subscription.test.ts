import { describe, expect, test, vi } from "vitest";
import { facts, fakeSink, makeWorld, openStream, pass, useFakeTime } from "./kit.js";

useFakeTime();

describe("the first frames", () => {
  test("given a new reader, are retry and hello, then the snapshot, at once", async () => {
    const { progress, job } = makeWorld({ retryMs: 2_000 });
    const id = await job();
    const sink = await openStream(progress, id);
    const cursor = (await progress.status(id))?.cursor;
    expect(sink.events).toHaveLength(2);
    expect(sink.events[0]).toEqual({
      event: "hello",
      id: undefined,
      // The dice show one half.
      retry: 2_500,
      data: { protocol: 1, heartbeatMs: 30_000, cursor, now: 1_700_000_000_000 },
    });
    expect(sink.events[1]).toMatchObject({ event: "snapshot", id: cursor, data: { reset: true } });
  });

  test("given a reader who has all but the end of it, are hello alone", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    const cursor = (await progress.status(id))?.cursor;
    const sink = await openStream(progress, id, { cursor });
    expect(sink.events.map(({ event }) => event)).toEqual(["hello"]);
  });

  test("given a job that has ended, end with the end", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    await set(id, { status: "failed", error: { code: "x", message: "y" } });
    const sink = await openStream(progress, id);
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "end"]);
    expect(sink.events[1]).toMatchObject({ data: { reset: true, done: true } });
    expect(sink.ended).toBe(true);
  });

  test("given a log line, is a log event; with a field it is progress", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    await set(id, {}, ["only a line"]);
    await pass(0);
    expect(sink.events.at(-1)?.event).toBe("log");
    await set(id, { message: "m" }, ["and more"]);
    await pass(0);
    expect(sink.events.at(-1)?.event).toBe("progress");
  });
});

describe("backpressure", () => {
  test("given a full sink, is skipped, and given one delta from its own cursor when it drains", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const slow = fakeSink(2);
    const quick = fakeSink();
    await openStream(progress, id, { sink: slow });
    await openStream(progress, id, { sink: quick });
    for (const message of ["a", "b", "c"]) {
      await set(id, { message }, [message]);
      await pass(0);
    }
    expect(slow.deltas()).toHaveLength(1);
    slow.drain();
    expect(slow.deltas()).toHaveLength(2);
    expect(slow.state()).toEqual(quick.state());
    expect(slow.state()?.log.map(({ text }) => text)).toEqual(["a", "b", "c"]);
    expect(slow.writtenWhileFull).toBe(0);
  });

  test("given a sink that is full from hello on, gives the snapshot when it drains", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id, { sink: fakeSink(1) });
    await set(id, { message: "m" });
    await pass(0);
    expect(sink.events.map(({ event }) => event)).toEqual(["hello"]);
    sink.drain();
    expect(sink.state()?.set).toMatchObject({ message: "m" });
  });

  test("given an end while it is full, gets it when it drains, and then closes", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id, { sink: fakeSink(2) });
    await set(id, { status: "completed", result: 1 });
    await pass(0);
    expect(sink.ended).toBe(false);
    sink.drain();
    expect(sink.events.at(-1)?.event).toBe("end");
    expect(sink.ended).toBe(true);
  });

  test("given a reader who takes nothing for stallMs, is destroyed, and the others are not", async () => {
    const { progress, job, set } = makeWorld({ stallMs: 30_000 });
    const id = await job();
    const stalled = await openStream(progress, id, { sink: fakeSink(2) });
    const other = await openStream(progress, id);
    await set(id, { message: "m" });
    await pass(29_000);
    expect(stalled.destroyed).toBe(false);
    await pass(2_000);
    expect(stalled).toMatchObject({ destroyed: true, ended: false, writtenWhileFull: 0 });
    expect(other).toMatchObject({ destroyed: false, ended: false });
    expect(progress.stats().streams).toBe(1);
  });

  test("given a reader who drains in time, isn't destroyed", async () => {
    const { progress, job, set } = makeWorld({ stallMs: 30_000 });
    const id = await job();
    const sink = await openStream(progress, id, { sink: fakeSink(2) });
    for (const message of ["a", "b", "c"]) {
      await set(id, { message });
      await pass(20_000);
      sink.drain(1);
    }
    expect(sink.destroyed).toBe(false);
  });

  test("given drained() without need, or after the end, writes nothing", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    sink.drain();
    expect(sink.events).toHaveLength(2);
    await set(id, { status: "completed" });
    await pass(0);
    sink.drain();
    expect(sink.events).toHaveLength(3);
  });
});

describe("the life of a stream", () => {
  test("given silence, beats once in heartbeatMs, without an id", async () => {
    const { progress, job, set } = makeWorld({ heartbeatMs: 10_000 });
    const id = await job();
    const sink = await openStream(progress, id);
    await pass(9_000);
    expect(sink.events).toHaveLength(2);
    await pass(1_600);
    expect(sink.events.at(-1)).toMatchObject({ event: "heartbeat", id: undefined });
    expect(sink.events.at(-1)?.data).toEqual({
      cursor: (await progress.status(id))?.cursor,
      now: expect.any(Number),
    });
    await set(id, { message: "m" });
    await pass(9_000);
    expect(sink.events.filter(({ event }) => event === "heartbeat")).toHaveLength(1);
    await pass(60_000);
    expect(sink.events.filter(({ event }) => event === "heartbeat").length).toBeGreaterThan(5);
  });

  test("given many readers, beats for all of them with the same bytes", async () => {
    const { progress, job } = makeWorld({ heartbeatMs: 10_000 });
    const id = await job();
    const [one, other] = [await openStream(progress, id), await openStream(progress, id)];
    await pass(10_500);
    expect(one.events.at(-1)?.event).toBe("heartbeat");
    expect(other.chunks.at(-1)).toBe(one.chunks.at(-1));
  });

  test("given a change since the last heartbeat, the next one tells where the job stands", async () => {
    const { progress, job, set } = makeWorld({ heartbeatMs: 10_000, clock: () => 5 });
    const id = await job();
    const sink = await openStream(progress, id);
    await pass(10_500);
    await set(id, { message: "m" });
    await pass(10_500);
    const beats = sink.events.filter(({ event }) => event === "heartbeat");
    expect(beats).toHaveLength(2);
    expect(beats[1]?.data).toEqual({ cursor: (await progress.status(id))?.cursor, now: 5 });
  });

  test("given no change for idleTimeoutMs, says timeout and closes; a change begins it anew", async () => {
    const { progress, job, set } = makeWorld({ idleTimeoutMs: 60_000 });
    const id = await job();
    const sink = await openStream(progress, id);
    await pass(50_000);
    await set(id, { message: "alive" });
    await pass(50_000);
    expect(sink.ended).toBe(false);
    await pass(11_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "timeout", data: { scope: "stream" } });
    expect(Number(sink.events.at(-1)?.data.idleMs)).toBeGreaterThanOrEqual(60_000);
    expect(sink.ended).toBe(true);
    expect((await progress.status(id))?.status).toBe("queued");
  });

  test("given idleTimeoutMs and maxAgeMs of false, stays", async () => {
    const { progress, job } = makeWorld({ idleTimeoutMs: false, maxAgeMs: false });
    const sink = await openStream(progress, await job());
    await pass(5 * 3_600_000);
    expect(sink.ended).toBe(false);
  });

  test("given maxAgeMs, says bye within it, up to a fifth early", async () => {
    const { progress, job } = makeWorld({ maxAgeMs: 100_000, idleTimeoutMs: false });
    const sink = await openStream(progress, await job());
    await pass(89_000);
    expect(sink.ended).toBe(false);
    // The dice show one half: a tenth early.
    await pass(2_000);
    expect(sink.events.at(-1)).toMatchObject({
      event: "bye",
      retry: 2_500,
      data: { reason: "age", retryMs: 2_500 },
    });
    expect(sink.ended).toBe(true);
  });

  test("given a permission that ends, closes before it does", async () => {
    const until = 1_700_000_000_000 + 60_000;
    const { progress, job } = makeWorld({ authorize: () => ({ allow: true, until }) });
    const sink = await openStream(progress, await job());
    await pass(58_000);
    expect(sink.ended).toBe(false);
    await pass(1_999);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
    expect(sink.ended).toBe(true);
  });

  test("given a permission that ends while the sink is full, is destroyed", async () => {
    const until = 1_700_000_000_000 + 10_000;
    const { progress, job } = makeWorld({ authorize: () => ({ allow: true, until }) });
    const sink = await openStream(progress, await job(), { sink: fakeSink(2) });
    await pass(10_000);
    expect(sink).toMatchObject({ destroyed: true, ended: false, writtenWhileFull: 0 });
  });

  test("given a wall clock that is set back and forth, neither goes silent nor closes", async () => {
    const { progress, job } = makeWorld({ heartbeatMs: 10_000 });
    const sink = await openStream(progress, await job());
    vi.setSystemTime(Date.now() - 3_600_000);
    await pass(31_000);
    expect(sink.events.filter(({ event }) => event === "heartbeat")).toHaveLength(3);
    vi.setSystemTime(Date.now() + 10 * 3_600_000);
    await pass(1_000);
    expect(sink.ended).toBe(false);
  });
});

describe("an adapter that errs", () => {
  test("given a sink that throws on write, is let go, and the others get the change", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const broken = await openStream(progress, id);
    broken.write = () => {
      throw new Error("EPIPE");
    };
    const other = await openStream(progress, id);
    await set(id, { message: "m" });
    await pass(0);
    expect(other.state()?.set).toMatchObject({ message: "m" });
    expect(progress.stats().streams).toBe(1);
  });

  test("given a sink that throws on end, gives its place back", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const broken = await openStream(progress, id);
    broken.end = () => {
      throw new Error("ERR_STREAM_DESTROYED");
    };
    await set(id, { status: "completed" });
    await pass(0);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
  });

  test("given a sink that closes in the middle of a write, writes nothing more to it", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    const { write } = sink;
    let writes = 0;
    sink.write = (bytes) => {
      writes += 1;
      sink.subscription?.closed();
      return write(bytes);
    };
    await set(id, { status: "completed" });
    await set(id, { message: "refused" }).catch(() => {});
    await pass(60_000);
    expect(writes).toBe(1);
    expect(sink.ended).toBe(false);
  });

  test("given a client whose signal aborts, without a word to the subscription, writes nothing more", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const client = new AbortController();
    const headers = { accept: "text/event-stream" };
    const answer = await progress.handle(facts(`/${id}`, headers, { signal: client.signal }));
    const sink = fakeSink();
    if (answer.kind === "stream") answer.subscribe(sink);
    client.abort();
    await set(id, { message: "m" });
    await pass(60_000);
    expect(sink.events).toHaveLength(2);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
  });
});
