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
    expect(progress.stats().streams).toBe(0);
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
