import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { fakeSink, openStream, subscribe } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("drain and close", () => {
  test("given open streams, sends each bye within the spread and resolves when all are closed", async () => {
    let last = 0;
    const random = () => {
      last = (last + 0.19) % 1;
      return last;
    };
    const { progress, createJob } = makeContext({ random });
    const id = await createJob();
    const sinks = await Promise.all(Array.from({ length: 20 }, () => openStream(progress, id)));
    let drained = false;
    const draining = progress.drain({ spreadMs: 5_000 }).then(() => {
      drained = true;
    });
    await advance(2_500);
    const early = sinks.filter(({ ended }) => ended).length;
    expect(early).toBeGreaterThan(3);
    expect(early).toBeLessThan(17);
    expect(drained).toBe(false);
    await advance(2_600);
    await draining;
    for (const sink of sinks)
      expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "drain" } });
    expect(progress.metrics().slots).toBe(0);
  });

  test("given a response that does not close after its end, destroys it after stallMs", async () => {
    const { progress, createJob } = makeContext({ stallMs: 10_000 });
    const sink = fakeSink();
    sink.closesWhenEnded = false;
    await openStream(progress, await createJob(), { sink });
    const draining = progress.drain({ spreadMs: 0 });
    await advance(9_000);
    expect(sink).toMatchObject({ ended: true, destroyed: false });
    await advance(1_500);
    await draining;
    expect(sink.destroyed).toBe(true);
  });

  test("given an adapter that never calls closed(), destroys its stream and resolves by timeoutMs", async () => {
    const { progress, createJob } = makeContext({ stallMs: 600_000 });
    const id = await createJob();
    const [ending, full] = [fakeSink(), fakeSink(2)];
    ending.closesWhenEnded = false;
    await openStream(progress, id, { sink: ending });
    await openStream(progress, id, { sink: full });
    full.destroy = () => {
      full.destroyed = true;
      throw new Error("ERR_STREAM_DESTROYED");
    };
    let isDrained = false;
    const draining = progress.drain({ spreadMs: 1_000, timeoutMs: 3_000 }).then(() => {
      isDrained = true;
    });
    await advance(2_900);
    expect(isDrained).toBe(false);
    await advance(101);
    await draining;
    expect([ending.destroyed, full.destroyed]).toEqual([true, true]);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given no timeoutMs, resolves after 30 s, or after a longer spread", async () => {
    const { progress, createJob } = makeContext({ stallMs: 600_000, random: () => 1 });
    const sink = fakeSink();
    sink.closesWhenEnded = false;
    await openStream(progress, await createJob(), { sink });
    const order: string[] = [];
    const short = progress.drain().then(() => order.push("30 s"));
    await advance(29_900);
    expect(order).toEqual([]);
    await advance(200);
    await short;
    await progress.drain({ spreadMs: 40_000 });
    expect(order).toEqual(["30 s"]);
  });

  test("given held polls, answers them by timeoutMs and has no slot left", async () => {
    const { progress, createJob } = makeContext({ random: () => 1 });
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    const poll = requestFacts(`/${id}?after=${cursor}&wait=20`);
    const polls = Array.from({ length: 5 }, () => progress.handle(poll));
    await advance(0);
    expect(progress.metrics().slots).toBe(5);
    const draining = progress.drain({ spreadMs: 5_000, timeoutMs: 5_000 });
    await advance(5_001);
    await draining;
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
    for (const answer of await Promise.all(polls)) expect(answer.status).toBe(200);
  });

  test("given a store that hangs while streams open, refuses them at once and resolves", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    store.hold("watch");
    const answering = progress.handle(requestFacts(`/${id}`, STREAM));
    await advance(0);
    expect(progress.metrics().slots).toBe(1);
    await progress.drain();
    expect((await answering).status).toBe(503);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a subscription after close(), sends bye and not that the job was removed", async () => {
    const { progress, createJob } = makeContext();
    const answer = await progress.handle(requestFacts(`/${await createJob()}`, STREAM));
    await progress.close();
    const sink = subscribe(answer);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "drain" } });
    expect(sink.ended).toBe(true);
  });

  test.each([
    { timeoutMs: -1 },
    { timeoutMs: Number.NaN },
    { timeoutMs: Number.POSITIVE_INFINITY },
    { spreadMs: 2_000, timeoutMs: 1_000 },
  ])("given %o, throws and continues to serve", async (times) => {
    const { progress, createJob } = makeContext();
    await expect(progress.drain(times)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(`timeoutMs is ${times.timeoutMs}`),
    });
    expect((await openStream(progress, await createJob())).deltas()).toHaveLength(1);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])(
    "given a spread of %s, throws and continues to serve",
    async (spreadMs) => {
      const { progress, createJob } = makeContext();
      await expect(progress.drain({ spreadMs })).rejects.toMatchObject({ code: "invalid-option" });
      expect((await openStream(progress, await createJob())).deltas()).toHaveLength(1);
    },
  );

  test("given a server that drains, refuses streams and long polls, and answers other requests", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    await progress.drain();
    const refused = await progress.handle(requestFacts(`/${id}`, STREAM));
    expect(refused).toMatchObject({ status: 503 });
    expect(refused.headers["retry-after"]).toBe("3");
    const cursor = (await progress.status(id))?.cursor;
    expect((await progress.handle(requestFacts(`/${id}?after=${cursor}&wait=5`))).status).toBe(503);
    expect((await progress.handle(requestFacts(`/${id}?after=${cursor}`))).status).toBe(200);
    expect((await progress.handle(requestFacts(`/${id}/status`))).status).toBe(200);
  });

  test("given a drain while a stream opens, refuses it and frees its slot", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const release = store.hold("read");
    const answering = progress.handle(requestFacts(`/${id}`, STREAM));
    await advance(0);
    const draining = progress.drain();
    release();
    expect((await answering).status).toBe(503);
    await draining;
  });

  test("given a drain between the answer and the subscription, sends bye to that stream too", async () => {
    const { progress, createJob } = makeContext();
    const answer = await progress.handle(requestFacts(`/${await createJob()}`, STREAM));
    const draining = progress.drain({ spreadMs: 100 });
    const sink = subscribe(answer);
    await advance(200);
    await draining;
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "snapshot", "bye"]);
  });

  test("given close() twice, ends streams and watches and leaves the store open", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    await Promise.all([progress.close(), progress.close()]);
    await advance(0);
    expect(sink.ended).toBe(true);
    expect(store.calls.unwatch).toBe(1);
    expect(await store.read(id)).toBeDefined();
    expect((await progress.handle(requestFacts(`/${id}`, STREAM))).status).toBe(503);
    await expect(progress.open(id)).rejects.toMatchObject({ code: "closed" });
  });
});
