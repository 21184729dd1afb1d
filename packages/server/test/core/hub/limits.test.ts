import { describe, expect, test } from "vitest";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";
import { openStream, subscribe } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("limits of open streams", () => {
  test("given maxStreams, answers one more with 429 and accepts it once a slot is free", async () => {
    const { progress, createJob } = makeContext({ maxStreams: 2 });
    const [a, b] = [await createJob(), await createJob()];
    const first = await openStream(progress, a);
    await openStream(progress, b);
    const refused = await progress.handle(requestFacts(`/${b}`, STREAM));
    expect(refused).toMatchObject({ status: 429 });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    first.subscription?.closed();
    expect((await progress.handle(requestFacts(`/${b}`, STREAM))).status).toBe(200);
  });

  test("given maxStreamsPerJob, refuses only streams of that job", async () => {
    const { progress, createJob } = makeContext({ maxStreamsPerJob: 1 });
    const [a, b] = [await createJob(), await createJob()];
    await openStream(progress, a);
    expect((await progress.handle(requestFacts(`/${a}`, STREAM))).status).toBe(429);
    expect((await progress.handle(requestFacts(`/${b}`, STREAM))).status).toBe(200);
  });

  test("given maxStreamsPerPrincipal, refuses only streams and held polls of that principal", async () => {
    const { progress, createJob } = makeContext({
      maxStreamsPerPrincipal: 1,
      authorize: ({ facts }) => ({ allow: true, principal: facts.header("x-user") }),
    });
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    const ask = (user: string, target = `/${id}`) =>
      progress.handle(requestFacts(target, { ...STREAM, "x-user": user }));
    const stream = subscribe(await ask("ann"));
    expect(await ask("ann")).toMatchObject({ status: 429 });
    const poll = { "x-user": "ann" };
    const held = await progress.handle(requestFacts(`/${id}?after=${cursor}&wait=5`, poll));
    expect(bodyOf(held)).toMatchObject({ code: "too-many-streams" });
    expect(await ask("bob")).toMatchObject({ status: 200 });
    stream.subscription?.closed();
    expect(await ask("ann")).toMatchObject({ status: 200 });
  });

  test("given no maxStreamsPerPrincipal, allows 100 streams", async () => {
    const authorize = () => ({ allow: true, principal: "ann" }) as const;
    const { progress, createJob } = makeContext({ authorize });
    const id = await createJob();
    for (let count = 0; count < 100; count += 1) await openStream(progress, id);
    expect(await progress.handle(requestFacts(`/${id}`, STREAM))).toMatchObject({ status: 429 });
  });

  test("given 429 and 503, the body carries the wait of Retry-After in milliseconds", async () => {
    const { progress, createJob } = makeContext({ maxStreams: 1, retryMs: 2_001 });
    const id = await createJob();
    await openStream(progress, id);
    const full = await progress.handle(requestFacts(`/${id}`, STREAM));
    void progress.drain();
    const draining = await progress.handle(requestFacts(`/${id}`, STREAM));
    const unknown = await progress.handle(requestFacts("/unknown"));
    expect([full.status, draining.status, unknown.status]).toEqual([429, 503, 404]);
    for (const answer of [full, draining]) {
      // 2001 ms and half of the jitter, since `random` returns 0.5.
      expect(bodyOf(answer)).toMatchObject({ retryAfterMs: 2_501 });
      expect(answer.headers["retry-after"]).toBe("3");
    }
    expect(bodyOf(unknown)).not.toHaveProperty("retryAfterMs");
  });
});
