import { describe, expect, test } from "vitest";
import { facts, fakeSink, makeWorld, openStream, pass, useFakeTime } from "./kit.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("a topic", () => {
  test("given two readers at once, watches and reads once", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    await Promise.all([openStream(progress, id), openStream(progress, id)]);
    expect(store.calls).toMatchObject({ watch: 1, read: 1 });
    expect(progress.stats()).toMatchObject({ streams: 2, watchedJobs: 1 });
  });

  test("given its last reader has left, ends the watch", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    const [one, other] = [await openStream(progress, id), await openStream(progress, id)];
    one.subscription?.closed();
    expect(store.calls.unwatch).toBe(0);
    other.subscription?.closed();
    other.subscription?.closed();
    await pass(0);
    expect(store.calls.unwatch).toBe(1);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
  });

  test("given a change, writes the same bytes to every reader who stood at one cursor", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const sinks = await Promise.all([1, 2, 3].map(() => openStream(progress, id)));
    await set(id, { message: "on" });
    await pass(0);
    const last = sinks.map(({ chunks }) => chunks.at(-1));
    expect(last[0]).toBeInstanceOf(Uint8Array);
    expect(last[1]).toBe(last[0]);
    expect(last[2]).toBe(last[0]);
    expect(sinks[0]?.events.at(-1)).toMatchObject({
      event: "progress",
      data: { set: { message: "on" } },
    });
  });

  test("given a hundred changes after a read looked and before it answered, reads once more", async () => {
    const { progress, store, job, set } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    const release = store.holdAnswersOf("read");
    const before = store.calls.read;
    for (let by = 0; by < 100; by += 1) await set(id, { message: `${by}` });
    await pass(0);
    expect(store.calls.read).toBe(before + 1);
    release();
    await pass(0);
    expect(store.calls.read).toBe(before + 2);
    expect(sink.state()?.set).toMatchObject({ message: "99" });
  });

  test("given a hundred changes before a read looked, doesn't read again for what it saw", async () => {
    const { progress, store, job, set } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    const release = store.hold("read");
    const before = store.calls.read;
    for (let by = 0; by < 100; by += 1) await set(id, { message: `${by}` });
    release();
    await pass(0);
    expect(store.calls.read).toBe(before + 1);
    expect(sink.state()?.set).toMatchObject({ message: "99" });
  });

  test("given hints without versions, reads after each", async () => {
    const { progress, store, job, set } = makeWorld();
    store.tellsVersions = false;
    const id = await job();
    const sink = await openStream(progress, id);
    for (let by = 0; by < 5; by += 1) {
      await set(id, { message: `${by}` });
      await pass(0);
      expect(sink.state()?.set).toMatchObject({ message: `${by}` });
    }
  });

  test("given a change between its watch and its read, misses nothing", async () => {
    const { progress, store, job, set } = makeWorld();
    const id = await job();
    const release = store.holdAnswersOf("read");
    const opening = openStream(progress, id);
    await pass(0);
    await set(id, { message: "in between" });
    release();
    const sink = await opening;
    await pass(0);
    expect(sink.state()?.set).toMatchObject({ message: "in between" });
  });

  test.each(["lost", "twice", "late"] as const)(
    "given wakes that are %s, tells each change once",
    async (wakes) => {
      const { progress, store, job, set } = makeWorld({ rereadMs: 5_000 });
      const id = await job();
      const sink = await openStream(progress, id);
      store.wakes = wakes;
      for (const message of ["a", "b", "c"]) {
        await set(id, { message }, [message]);
        await pass(6_000);
        expect(sink.state()?.set).toMatchObject({ message });
      }
      expect(sink.state()?.log.map(({ text }) => text)).toEqual(["a", "b", "c"]);
      expect(sink.deltas()).toHaveLength(4);
    },
  );

  test("given a reader whose cursor is ahead of the copy, brings the copy forward before it answers", async () => {
    const { progress, store, job, set } = makeWorld();
    const id = await job();
    await openStream(progress, id);
    store.wakes = "lost";
    await set(id, { message: "seen elsewhere" });
    const cursor = (await progress.status(id))?.cursor;
    const sink = await openStream(progress, id, { cursor });
    expect(sink.events.map(({ event }) => event)).toEqual(["hello"]);
    expect(sink.events[0]?.data.cursor).toBe(cursor);
  });

  test("given another epoch under the same id, gives every reader the whole of it", async () => {
    const { progress, store, job, set } = makeWorld({ rereadMs: 1_000 });
    const id = await job("again");
    await set(id, { message: "first life", "metadata.only": "then" });
    const sink = await openStream(progress, id);
    // The store lost its data, and the job was made again.
    const other = makeWorld();
    await other.job("again");
    store.read = (jobId, cursor) => other.store.read(jobId, cursor);
    await pass(1_500);
    expect(sink.events.at(-1)?.event).toBe("snapshot");
    expect(sink.state()?.set).not.toHaveProperty("metadata.only");
  });

  test("given a job that is removed, says so and closes", async () => {
    const { progress, store, job } = makeWorld({ rereadMs: 1_000 });
    const id = await job();
    const sink = await openStream(progress, id);
    store.read = async () => undefined;
    await pass(1_500);
    expect(sink.events.at(-1)).toMatchObject({ event: "timeout", data: { scope: "job" } });
    expect(sink.ended).toBe(true);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
  });

  test("given a job that was removed between the answer and the subscription, says so", async () => {
    const { progress, store, job } = makeWorld({ rereadMs: 1_000 });
    const id = await job();
    const answer = await progress.handle(facts(`/${id}`, STREAM));
    store.read = async () => undefined;
    await pass(1_500);
    const sink = fakeSink();
    if (answer.kind === "stream") sink.subscription = answer.subscribe(sink);
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "snapshot", "timeout"]);
    expect(sink.ended).toBe(true);
  });

  test("given readers at a cursor of the same job but without a topic, gives what they miss", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const cursor = (await progress.status(id))?.cursor;
    await set(id, { message: "later" }, ["line"]);
    const sink = await openStream(progress, id, { cursor });
    expect(sink.deltas()).toHaveLength(1);
    expect(sink.deltas()[0]).toMatchObject({ reset: false, set: { message: "later" } });
    expect(sink.deltas()[0]?.log).toHaveLength(1);
  });
});

describe("leaving while something is under way", () => {
  test("given a client that leaves while its topic opens, keeps neither place nor watch", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    const release = store.hold("read");
    const client = new AbortController();
    const answering = progress.handle(facts(`/${id}`, STREAM, { signal: client.signal }));
    await pass(0);
    expect(progress.stats().streams).toBe(1);
    client.abort();
    release();
    await answering;
    await pass(0);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
    expect(store.calls.unwatch).toBe(1);
  });

  test("given a client that leaves before it is subscribed, and is subscribed nevertheless, writes nothing", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    const client = new AbortController();
    const answer = await progress.handle(facts(`/${id}`, STREAM, { signal: client.signal }));
    client.abort();
    const sink = fakeSink();
    if (answer.kind === "stream") answer.subscribe(sink).closed();
    expect(sink.chunks).toHaveLength(0);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
  });

  test("given a job that ends while its topic opens, the reader gets the end", async () => {
    const { progress, store, job, set } = makeWorld();
    const id = await job();
    const release = store.holdAnswersOf("read");
    const opening = openStream(progress, id);
    await pass(0);
    await set(id, { status: "completed", result: 7 });
    release();
    const sink = await opening;
    await pass(0);
    expect(sink.events.at(-1)).toMatchObject({ event: "end", data: { set: { result: 7 } } });
    expect(sink.ended).toBe(true);
  });

  test("given a topic that can't be opened, refuses each of its readers and leaves nothing behind", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    store.fail("read");
    const answers = await Promise.all([1, 2].map(() => progress.handle(facts(`/${id}`, STREAM))));
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
    expect(store.calls).toMatchObject({ watch: 1, unwatch: 1 });
    store.heal();
    expect((await openStream(progress, id)).deltas()).toHaveLength(1);
  });

  test("given a watch that comes after everybody gave up on it, ends that too", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    const release = store.hold("watch");
    const answering = progress.handle(facts(`/${id}`, STREAM));
    await pass(10_000);
    expect((await answering).status).toBe(503);
    release();
    await pass(0);
    expect(store.calls.unwatch).toBe(1);
  });
});

describe("a store that can't be read", () => {
  test("given a short outage, keeps the streams open, and then tells what they missed", async () => {
    const { progress, store, job, set, errors } = makeWorld({ heartbeatMs: 5_000 });
    const id = await job();
    const sink = await openStream(progress, id);
    await set(id, { message: "missed" });
    store.fail("read");
    await pass(25_000);
    expect(sink.ended).toBe(false);
    expect(sink.events.at(-1)?.event).toBe("heartbeat");
    store.heal();
    await pass(6_000);
    expect(sink.state()?.set).toMatchObject({ message: "missed" });
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test("given a long outage, sends the readers away, never saying that the job failed", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    store.fail("read");
    await pass(45_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "store" } });
    expect(sink.ended).toBe(true);
    expect(sink.state()?.set).toMatchObject({ status: "queued" });
  });

  test("given a long outage, refuses who comes to a copy that is too old", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    // A worker's place keeps the topic.
    await progress.open(id);
    store.fail("read");
    await pass(45_000);
    const answer = await progress.handle(facts(`/${id}`, STREAM));
    expect(answer).toMatchObject({ kind: "body", status: 503 });
    expect(answer.headers["retry-after"]).toBe("3");
    expect(progress.stats().streams).toBe(0);
  });

  test("given reads that never answer, gives each up, and goes on when the store does", async () => {
    const { progress, store, job, set } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    const release = store.hold("read");
    await set(id, { message: "late" });
    await pass(15_000);
    release();
    await pass(6_000);
    expect(sink.ended).toBe(false);
    expect(sink.state()?.set).toMatchObject({ message: "late" });
  });

  test("given a store that answers nonsense, tells onError and keeps the streams", async () => {
    const { progress, store, job, errors } = makeWorld({ rereadMs: 1_000 });
    const id = await job();
    const sink = await openStream(progress, id);
    store.read = async () => ({ cursor: "no cursor", reset: true, set: {}, log: [], done: false });
    await pass(1_500);
    expect(sink.ended).toBe(false);
    expect(errors[0]).toMatchObject({ code: "internal" });
  });
});

describe("drain and close", () => {
  test("given open streams, sends each away within the spread, and resolves when all are gone", async () => {
    let dice = 0;
    const random = () => {
      dice = (dice + 0.19) % 1;
      return dice;
    };
    const { progress, job } = makeWorld({ random });
    const id = await job();
    const sinks = await Promise.all(Array.from({ length: 20 }, () => openStream(progress, id)));
    let drained = false;
    const draining = progress.drain({ spreadMs: 5_000 }).then(() => {
      drained = true;
    });
    await pass(2_500);
    const early = sinks.filter(({ ended }) => ended).length;
    expect(early).toBeGreaterThan(3);
    expect(early).toBeLessThan(17);
    expect(drained).toBe(false);
    await pass(2_600);
    await draining;
    for (const sink of sinks)
      expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "drain" } });
    expect(progress.stats().streams).toBe(0);
  });

  test("given a reader who doesn't take the rest, is done with it after stallMs", async () => {
    const { progress, job } = makeWorld({ stallMs: 10_000 });
    const sink = fakeSink();
    sink.closes = false;
    await openStream(progress, await job(), { sink });
    const draining = progress.drain({ spreadMs: 0 });
    await pass(9_000);
    expect(sink).toMatchObject({ ended: true, destroyed: false });
    await pass(1_500);
    await draining;
    expect(sink.destroyed).toBe(true);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])(
    "given a spread of %s, refuses it and goes on serving",
    async (spreadMs) => {
      const { progress, job } = makeWorld();
      await expect(progress.drain({ spreadMs })).rejects.toMatchObject({ code: "invalid-option" });
      expect((await openStream(progress, await job())).deltas()).toHaveLength(1);
    },
  );

  test("given a server that drains, refuses streams and waiting polls, and answers the rest", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    await progress.drain();
    const refused = await progress.handle(facts(`/${id}`, STREAM));
    expect(refused).toMatchObject({ status: 503 });
    expect(refused.headers["retry-after"]).toBe("3");
    const cursor = (await progress.status(id))?.cursor;
    expect((await progress.handle(facts(`/${id}?after=${cursor}&wait=5`))).status).toBe(503);
    expect((await progress.handle(facts(`/${id}?after=${cursor}`))).status).toBe(200);
    expect((await progress.handle(facts(`/${id}/status`))).status).toBe(200);
  });

  test("given a drain while a stream opens, refuses it and gives its place back", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    const release = store.hold("read");
    const answering = progress.handle(facts(`/${id}`, STREAM));
    await pass(0);
    const draining = progress.drain();
    release();
    expect((await answering).status).toBe(503);
    await draining;
  });

  test("given a drain between the answer and the subscription, sends that stream away too", async () => {
    const { progress, job } = makeWorld();
    const answer = await progress.handle(facts(`/${await job()}`, STREAM));
    const draining = progress.drain({ spreadMs: 100 });
    const sink = fakeSink();
    if (answer.kind === "stream") sink.subscription = answer.subscribe(sink);
    await pass(200);
    await draining;
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "snapshot", "bye"]);
  });

  test("given close(), ends streams and watches, leaves the store open, and can be called again", async () => {
    const { progress, store, job } = makeWorld();
    const id = await job();
    const sink = await openStream(progress, id);
    await Promise.all([progress.close(), progress.close()]);
    await pass(0);
    expect(sink.ended).toBe(true);
    expect(store.calls.unwatch).toBe(1);
    expect(await store.read(id)).toBeDefined();
    expect((await progress.handle(facts(`/${id}`, STREAM))).status).toBe(503);
    await expect(progress.open(id)).rejects.toMatchObject({ code: "closed" });
  });
});

describe("bounds", () => {
  test("given maxStreams, answers one more with 429, and takes it when a place is free", async () => {
    const { progress, job } = makeWorld({ maxStreams: 2 });
    const [a, b] = [await job(), await job()];
    const first = await openStream(progress, a);
    await openStream(progress, b);
    const refused = await progress.handle(facts(`/${b}`, STREAM));
    expect(refused).toMatchObject({ status: 429 });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    first.subscription?.closed();
    expect((await progress.handle(facts(`/${b}`, STREAM))).status).toBe(200);
  });

  test("given maxStreamsPerJob, refuses for that job alone", async () => {
    const { progress, job } = makeWorld({ maxStreamsPerJob: 1 });
    const [a, b] = [await job(), await job()];
    await openStream(progress, a);
    expect((await progress.handle(facts(`/${a}`, STREAM))).status).toBe(429);
    expect((await progress.handle(facts(`/${b}`, STREAM))).status).toBe(200);
  });
});
