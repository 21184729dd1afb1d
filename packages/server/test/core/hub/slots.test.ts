import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime, waitUntil } from "../context.js";
import { requestFacts } from "../requests.js";
import { fakeSink, openStream, subscribe } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };
const NONE = { slots: 0, watchedJobs: 0 };

/** The facts of a request whose client the test can disconnect. */
function clientOf(target: string, headers: Record<string, string> = STREAM) {
  const client = new AbortController();
  return { client, facts: requestFacts(target, headers, { signal: client.signal }) };
}

describe("an answer that nobody subscribes to", () => {
  test("given 3,000 of them, all slots are free after stallMs", async () => {
    const { progress, createJob } = makeContext({ stallMs: 30_000, maxStreams: 3_000 });
    const id = await createJob();
    const requests = Array.from({ length: 3_000 }, () => requestFacts(`/${id}`, STREAM));
    await Promise.all(requests.map((facts) => progress.handle(facts)));
    expect(progress.metrics().slots).toBe(3_000);
    expect((await progress.handle(requestFacts(`/${id}`, STREAM))).status).toBe(429);
    await advance(29_000);
    expect(progress.metrics().slots).toBe(3_000);
    await advance(2_000);
    expect(progress.metrics()).toMatchObject(NONE);
    expect((await openStream(progress, id)).deltas()).toHaveLength(1);
  });

  test("given a sink that subscribes after that, ends it at once and writes nothing", async () => {
    const { progress, createJob, setFields } = makeContext({ stallMs: 1_000 });
    const id = await createJob();
    const answer = await progress.handle(requestFacts(`/${id}`, STREAM));
    await advance(2_000);
    const sink = subscribe(answer);
    expect(sink).toMatchObject({ ended: true, destroyed: false, chunks: [] });
    await setFields(id, { message: "m" });
    await advance(0);
    sink.subscription?.drained();
    sink.subscription?.closed();
    expect(sink.chunks).toEqual([]);
    expect(progress.metrics()).toMatchObject(NONE);
  });

  test("given a second subscription, ends its sink and keeps the first", async () => {
    const { progress, createJob } = makeContext();
    const answer = await progress.handle(requestFacts(`/${await createJob()}`, STREAM));
    const first = subscribe(answer);
    const second = subscribe(answer);
    expect(second).toMatchObject({ ended: true, chunks: [] });
    expect(first).toMatchObject({ ended: false });
    first.subscription?.closed();
    expect(progress.metrics()).toMatchObject(NONE);
  });

  test("given a sink that subscribes within stallMs, keeps it open beyond that", async () => {
    const { progress, createJob, setFields } = makeContext({ stallMs: 1_000 });
    const id = await createJob();
    const answer = await progress.handle(requestFacts(`/${id}`, STREAM));
    await advance(900);
    const sink = subscribe(answer);
    await advance(5_000);
    await setFields(id, { message: "m" });
    await advance(0);
    expect(sink.state()?.set).toMatchObject({ message: "m" });
  });

  test("given a drain, its slot is free by the time limit", async () => {
    const { progress, createJob } = makeContext({ stallMs: 60_000 });
    const answer = await progress.handle(requestFacts(`/${await createJob()}`, STREAM));
    const draining = progress.drain({ spreadMs: 0, timeoutMs: 2_000 });
    await advance(2_001);
    await draining;
    expect(progress.metrics()).toMatchObject(NONE);
    expect(subscribe(answer)).toMatchObject({ ended: true, chunks: [] });
  });
});

describe("a client that disconnects", () => {
  test("before its request is handled, takes no slot and does not ask authorize", async () => {
    let calls = 0;
    const authorize = () => {
      calls += 1;
      return true;
    };
    const { progress, createJob, errors } = makeContext({ authorize });
    const { client, facts } = clientOf(`/${await createJob()}`);
    client.abort();
    await progress.handle(facts);
    expect(progress.metrics()).toMatchObject(NONE);
    expect(calls).toBe(0);
    expect(errors).toEqual([]);
  });

  test.each(["watch", "read"] as const)(
    "while its topic opens and %s() hangs, frees its slot at once",
    async (method) => {
      const { progress, store, createJob, errors } = makeContext();
      const id = await createJob();
      const release = store.hold(method);
      const { client, facts } = clientOf(`/${id}`);
      const answering = progress.handle(facts);
      await waitUntil(() => store.calls[method] > 0);
      expect(progress.metrics().slots).toBe(1);
      client.abort();
      const answer = await answering;
      expect(answer.kind).toBe("body");
      expect(progress.metrics()).toMatchObject(NONE);
      release();
      await advance(0);
      expect(store.calls.unwatch).toBe(store.calls.watch);
      expect(errors).toEqual([]);
    },
  );

  test("while a topic that others watch is read again, frees its slot and leaves the others", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    await openStream(progress, id);
    const release = store.hold("read");
    const { client, facts } = clientOf(`/${id}`, { ...STREAM, "last-event-id": "other.7" });
    const answering = progress.handle(facts);
    await waitUntil(() => progress.metrics().slots === 2);
    client.abort();
    await answering;
    expect(progress.metrics()).toMatchObject({ slots: 1, watchedJobs: 1 });
    release();
  });

  test("between the answer and the subscription, frees its slot and its late sink is ended", async () => {
    const { progress, createJob } = makeContext();
    const { client, facts } = clientOf(`/${await createJob()}`);
    const answer = await progress.handle(facts);
    client.abort();
    expect(progress.metrics()).toMatchObject(NONE);
    expect(subscribe(answer)).toMatchObject({ ended: true, chunks: [] });
  });

  test("while its first frame is written, frees its slot and is written nothing more", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const { client, facts } = clientOf(`/${id}`);
    const answer = await progress.handle(facts);
    const sink = fakeSink();
    const { write } = sink;
    sink.write = (bytes) => {
      client.abort();
      return write(bytes);
    };
    subscribe(answer, sink);
    await setFields(id, { message: "m" });
    await advance(60_000);
    expect(progress.metrics()).toMatchObject(NONE);
    expect(sink.events.map(({ event }) => event)).not.toContain("progress");
  });

  test("after its stream has ended, has no listener left on its signal", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const { client, facts } = clientOf(`/${id}`);
    let listeners = 0;
    const { signal } = client;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1;
      removeEventListener.apply(signal, args);
    };
    subscribe(await progress.handle(facts));
    expect(listeners).toBe(1);
    await setFields(id, { status: "completed" });
    await advance(0);
    expect(progress.metrics()).toMatchObject(NONE);
    expect(listeners).toBe(0);
  });
});

describe("maxStreamsPerConnection", () => {
  test("given one connection with many streams and polls, refuses more of it and no other's", async () => {
    const { progress, createJob } = makeContext({ maxStreamsPerConnection: 2 });
    const [a, b] = [await createJob(), await createJob()];
    const cursor = (await progress.status(b))?.cursor;
    const [connection, other] = [{}, {}];
    const stream = (id: string, of: object) =>
      progress.handle(requestFacts(`/${id}`, STREAM, { connection: of }));
    const sink = subscribe(await stream(a, connection));
    const poll = requestFacts(`/${b}?after=${cursor}&wait=5`, {}, { connection });
    const polling = progress.handle(poll);
    await waitUntil(() => progress.metrics().slots === 2);
    expect((await stream(a, connection)).status).toBe(429);
    expect((await progress.handle(poll)).status).toBe(429);
    expect((await stream(a, other)).status).toBe(200);
    expect((await progress.handle(requestFacts(`/${a}`, STREAM))).status).toBe(200);
    sink.subscription?.closed();
    expect((await stream(b, connection)).status).toBe(200);
    await advance(6_000);
    expect((await polling).status).toBe(200);
  });

  test("given requests of one connection that need no slot, answers all", async () => {
    const { progress, createJob } = makeContext({ maxStreamsPerConnection: 1 });
    const id = await createJob();
    const connection = {};
    for (let i = 0; i < 10; i += 1) {
      const answer = await progress.handle(requestFacts(`/${id}`, {}, { connection }));
      expect(answer.status).toBe(200);
    }
  });
});
