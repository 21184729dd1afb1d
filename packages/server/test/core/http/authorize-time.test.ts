import { describe, expect, test } from "vitest";
import type { Authorize, Decision } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";
import { fakeSink, openStream, subscribe } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };
const NOW = 1_700_000_000_000;

const hangs: Authorize = () => new Promise<Decision>(() => {});

describe("an authorize that hangs", () => {
  test("given no answer within authorizeTimeoutMs, refuses the request with 503 and tells onError", async () => {
    const { progress, errors } = makeContext({ authorize: hangs, authorizeTimeoutMs: 3_000 });
    const answering = progress.handle(requestFacts("/a", STREAM));
    await advance(2_900);
    expect(errors).toEqual([]);
    await advance(200);
    const answer = await answering;
    expect(answer.status).toBe(503);
    expect(bodyOf(answer)).toMatchObject({ code: "authorize-timed-out" });
    expect(errors).toMatchObject([{ code: "authorize-timed-out", details: { action: "watch" } }]);
  });

  test("given an answer or a rejection after that, ignores it", async () => {
    const late: (() => void)[] = [];
    const authorize = () =>
      new Promise<Decision>((resolve, reject) => {
        late.push(late.length === 0 ? () => resolve(true) : () => reject(new Error("late")));
      });
    const { progress, store } = makeContext({ authorize, authorizeTimeoutMs: 1_000 });
    const answers = ["/a", "/a"].map((target) => progress.handle(requestFacts(target, STREAM)));
    await advance(1_001);
    for (const settle of late) settle();
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(503);
    await advance(0);
    expect(store.calls.watch).toBe(0);
  });

  test("given maxStreams requests that wait, refuses more with 429 until their time is over", async () => {
    const options = { authorize: hangs, authorizeTimeoutMs: 1_000, maxStreams: 50 };
    const { progress } = makeContext(options);
    const client = new AbortController();
    const facts = requestFacts("/a/status", {}, { signal: client.signal });
    const waiting = Array.from({ length: 50 }, () => progress.handle(facts));
    await advance(0);
    expect((await progress.handle(requestFacts("/a"))).status).toBe(429);
    // The app still works on the questions of clients that have left.
    client.abort();
    await Promise.all(waiting);
    expect((await progress.handle(requestFacts("/a"))).status).toBe(429);
    await advance(1_001);
    const answering = progress.handle(requestFacts("/a"));
    await advance(1_001);
    expect((await answering).status).toBe(503);
  });

  test("given a drain, answers every request that waits with draining and resolves", async () => {
    const { progress, errors } = makeContext({ authorize: hangs });
    const requests = [
      requestFacts("/a", STREAM),
      requestFacts("/a?after=x.1&wait=20"),
      requestFacts("/a/status"),
      requestFacts("/a/cancel", {}, { method: "POST" }),
    ];
    const answers = requests.map((facts) => progress.handle(facts));
    await advance(0);
    await progress.drain();
    for (const answer of await Promise.all(answers)) {
      expect(answer.status).toBe(503);
      expect(bodyOf(answer)).toMatchObject({ code: "draining" });
    }
    expect(errors).toEqual([]);
  });

  test("given a request during a drain, ends it when the drain ends", async () => {
    let isHanging = false;
    const authorize: Authorize = (question) => !isHanging || hangs(question);
    const { progress, createJob } = makeContext({ authorize, stallMs: 60_000 });
    const sink = fakeSink();
    sink.closesWhenEnded = false;
    await openStream(progress, await createJob(), { sink });
    isHanging = true;
    const draining = progress.drain({ spreadMs: 0, timeoutMs: 2_000 });
    const answering = progress.handle(requestFacts("/a/status"));
    await advance(2_001);
    expect(bodyOf(await answering)).toMatchObject({ code: "draining" });
    await draining;
  });

  test("given a client that leaves, ends its request", async () => {
    const client = new AbortController();
    const { progress, errors } = makeContext({ authorize: hangs });
    const answering = progress.handle(requestFacts("/a", STREAM, { signal: client.signal }));
    await advance(0);
    client.abort();
    expect((await answering).kind).toBe("body");
    expect(errors).toEqual([]);
  });
});

describe("a permission that ends while the store is slow", () => {
  const authorize = () => ({ allow: true, until: NOW + 1_000 }) as const;

  test.each([
    ["a stream", "/a", STREAM, "GET"],
    ["HEAD of a stream", "/a", STREAM, "HEAD"],
    ["a delta", "/a", {}, "GET"],
    ["a poll that may wait", "/a?after=x.1&wait=5", {}, "GET"],
    ["a status", "/a/status", {}, "GET"],
    ["a cancel", "/a/cancel", {}, "POST"],
    ["a removal", "/a", {}, "DELETE"],
  ])("given %s, answers 401 and frees the slot", async (_name, target, headers, method) => {
    const { progress, store, createJob, setFields } = makeContext({ authorize });
    await createJob("a");
    await setFields("a", { status: "completed" });
    const release = store.holdReplies("read");
    const answering = progress.handle(requestFacts(target, headers, { method }));
    await advance(1_500);
    release();
    const answer = await answering;
    expect(answer.status).toBe(401);
    if (method !== "HEAD") expect(bodyOf(answer)).toMatchObject({ code: "not-authenticated" });
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a cleanup, answers 401", async () => {
    const { progress, store } = makeContext({ authorize });
    const release = store.holdReplies("sweep");
    const answering = progress.handle(requestFacts("/cleanup", {}, { method: "POST" }));
    await advance(1_500);
    release();
    expect((await answering).status).toBe(401);
  });
});

describe("a permission that ends while a stream is open", () => {
  const authorize = () => ({ allow: true, until: NOW + 60_000 }) as const;

  test("given a clock that jumps beyond it, sends no change after that", async () => {
    let now = NOW;
    const { progress, createJob, setFields } = makeContext({ authorize, clock: () => now });
    const id = await createJob();
    const sink = await openStream(progress, id);
    const full = await openStream(progress, id, { sink: fakeSink(2) });
    now += 60_000;
    await setFields(id, { message: "secret" });
    full.drain();
    await advance(1_000);
    for (const { events, ended } of [sink, full]) {
      expect(events.map(({ event }) => event)).toEqual(["hello", "snapshot", "bye"]);
      expect(events.at(-1)?.data).toMatchObject({ reason: "auth" });
      expect(ended).toBe(true);
    }
  });

  test("given a subscription after it, sends no data", async () => {
    const { progress, createJob } = makeContext({ authorize, stallMs: 100_000 });
    const answer = await progress.handle(requestFacts(`/${await createJob()}`, STREAM));
    await advance(61_000);
    const sink = subscribe(answer);
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "bye"]);
    expect(sink.ended).toBe(true);
  });

  test("given a held poll, answers it before its end, with 200", async () => {
    const { progress, createJob } = makeContext({ authorize, maxWaitMs: 100_000 });
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    const answering = progress.handle(requestFacts(`/${id}?after=${cursor}&wait=90`));
    await advance(59_900);
    expect((await answering).status).toBe(200);
  });
});
