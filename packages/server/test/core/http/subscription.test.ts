import { describe, expect, test, vi } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { fakeSink, openStream } from "../streams.js";

useFakeTime();

describe("the first frames", () => {
  test("given a new reader, are retry and hello, then the snapshot, at once", async () => {
    const { progress, createJob } = makeContext({ retryMs: 2_000 });
    const id = await createJob();
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
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    const sink = await openStream(progress, id, { cursor });
    expect(sink.events.map(({ event }) => event)).toEqual(["hello"]);
  });

  test("given a job that has ended, end with the end", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    await setFields(id, { status: "failed", error: { code: "x", message: "y" } });
    const sink = await openStream(progress, id);
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "end"]);
    expect(sink.events[1]).toMatchObject({ data: { reset: true, done: true } });
    expect(sink.ended).toBe(true);
  });

  test("given a log line, is a log event; with a field it is progress", async () => {
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
});

describe("the life of a stream", () => {
  test("given silence, beats once in heartbeatMs, without an id", async () => {
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

  test("given many readers, beats for all of them with the same bytes", async () => {
    const { progress, createJob } = makeContext({ heartbeatMs: 10_000 });
    const id = await createJob();
    const [one, other] = [await openStream(progress, id), await openStream(progress, id)];
    await advance(10_500);
    expect(one.events.at(-1)?.event).toBe("heartbeat");
    expect(other.chunks.at(-1)).toBe(one.chunks.at(-1));
  });

  test("given a change since the last heartbeat, the next one tells where the job stands", async () => {
    const { progress, createJob, setFields } = makeContext({ heartbeatMs: 10_000, clock: () => 5 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    await advance(10_500);
    await setFields(id, { message: "m" });
    await advance(10_500);
    const beats = sink.events.filter(({ event }) => event === "heartbeat");
    expect(beats).toHaveLength(2);
    expect(beats[1]?.data).toEqual({ cursor: (await progress.status(id))?.cursor, now: 5 });
  });

  test("given no change for idleTimeoutMs, says timeout and closes; a change begins it anew", async () => {
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

  test("given idleTimeoutMs and maxAgeMs of false, stays", async () => {
    const { progress, createJob } = makeContext({ idleTimeoutMs: false, maxAgeMs: false });
    const sink = await openStream(progress, await createJob());
    await advance(5 * 3_600_000);
    expect(sink.ended).toBe(false);
  });

  test("given maxAgeMs, says bye within it, up to a fifth early", async () => {
    const { progress, createJob } = makeContext({ maxAgeMs: 100_000, idleTimeoutMs: false });
    const sink = await openStream(progress, await createJob());
    await advance(89_000);
    expect(sink.ended).toBe(false);
    // The dice show one half: a tenth early.
    await advance(2_000);
    expect(sink.events.at(-1)).toMatchObject({
      event: "bye",
      retry: 2_500,
      data: { reason: "age", retryMs: 2_500 },
    });
    expect(sink.ended).toBe(true);
  });

  test("given a permission that ends, closes before it does", async () => {
    const until = 1_700_000_000_000 + 60_000;
    const { progress, createJob } = makeContext({ authorize: () => ({ allow: true, until }) });
    const sink = await openStream(progress, await createJob());
    await advance(58_000);
    expect(sink.ended).toBe(false);
    await advance(1_999);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
    expect(sink.ended).toBe(true);
  });

  test("given a permission that ends while the sink is full, is destroyed", async () => {
    const until = 1_700_000_000_000 + 10_000;
    const { progress, createJob } = makeContext({ authorize: () => ({ allow: true, until }) });
    const sink = await openStream(progress, await createJob(), { sink: fakeSink(2) });
    await advance(10_000);
    expect(sink).toMatchObject({ destroyed: true, ended: false, writesWhileFull: 0 });
  });

  test("given a wall clock that is set back and forth, neither goes silent nor closes", async () => {
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

describe("an adapter that errs", () => {
  test("given a sink that throws on write, is let go, and the others get the change", async () => {
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
    expect(progress.stats().streams).toBe(1);
  });

  test("given a sink that throws on end, gives its place back", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const broken = await openStream(progress, id);
    broken.end = () => {
      throw new Error("ERR_STREAM_DESTROYED");
    };
    await setFields(id, { status: "completed" });
    await advance(0);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
  });

  test("given a sink that closes in the middle of a write, writes nothing more to it", async () => {
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

  test("given a client whose signal aborts, without a word to the subscription, writes nothing more", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const client = new AbortController();
    const headers = { accept: "text/event-stream" };
    const answer = await progress.handle(
      requestFacts(`/${id}`, headers, { signal: client.signal }),
    );
    const sink = fakeSink();
    if (answer.kind === "stream") answer.subscribe(sink);
    client.abort();
    await setFields(id, { message: "m" });
    await advance(60_000);
    expect(sink.events).toHaveLength(2);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
  });
});
