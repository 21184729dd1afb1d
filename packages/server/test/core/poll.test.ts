import { expect, test } from "vitest";
import type { Answer } from "../../src/index.js";
import { facts, makeWorld, pass, useFakeTime, type World } from "./kit.js";

useFakeTime();

const bodyOf = (answer: Answer): Record<string, unknown> =>
  JSON.parse((answer.kind === "body" && answer.body) || "null");

/** A held poll from where the job stands. */
async function hold(
  { progress }: World,
  id: string,
  wait = 20,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ answered: () => boolean; answer: Promise<Answer>; cursor: string }> {
  const cursor = (await progress.status(id))?.cursor ?? "";
  let answered = false;
  const answer = progress.handle(facts(`/${id}?after=${cursor}&wait=${wait}`, {}, { signal }));
  const done = answer.then((result) => {
    answered = true;
    return result;
  });
  await pass(0);
  return { answered: () => answered, answer: done, cursor };
}

test("given a change, answers it at once", async () => {
  const world = makeWorld();
  const id = await world.job();
  const poll = await hold(world, id);
  expect(poll.answered()).toBe(false);
  await world.set(id, { message: "m" });
  await pass(0);
  expect(bodyOf(await poll.answer)).toMatchObject({ set: { message: "m" }, now: Date.now() });
});

test("given no change, answers an empty delta when the time is over", async () => {
  const world = makeWorld();
  const id = await world.job();
  const poll = await hold(world, id, 10);
  await pass(9_000);
  expect(poll.answered()).toBe(false);
  await pass(1_500);
  expect(bodyOf(await poll.answer)).toEqual({
    cursor: poll.cursor,
    set: {},
    now: expect.any(Number),
  });
  expect(world.progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
});

test("given more seconds than maxWaitMs, waits for those", async () => {
  const world = makeWorld({ maxWaitMs: 5_000 });
  const poll = await hold(world, await world.job(), 999);
  await pass(5_500);
  expect(poll.answered()).toBe(true);
});

test("given a permission that ends, doesn't wait beyond it", async () => {
  const until = Date.now() + 3_000;
  const world = makeWorld({ authorize: () => ({ allow: true, until }) });
  const poll = await hold(world, await world.job(), 20);
  await pass(3_500);
  expect(poll.answered()).toBe(true);
});

test("given a job that has ended, answers at once and says so", async () => {
  const world = makeWorld();
  const id = await world.job();
  await world.set(id, { status: "failed" });
  const poll = await hold(world, id);
  expect(bodyOf(await poll.answer)).toMatchObject({ set: {}, done: true });
});

test("given an end meanwhile, answers it", async () => {
  const world = makeWorld();
  const id = await world.job();
  const poll = await hold(world, id);
  await world.set(id, { status: "completed", result: 1 });
  await pass(0);
  expect(bodyOf(await poll.answer)).toMatchObject({ set: { result: 1 }, done: true });
});

test("given no cursor, answers the snapshot at once", async () => {
  const { progress, job } = makeWorld();
  const answer = await progress.handle(facts(`/${await job()}?wait=20`));
  expect(bodyOf(answer)).toMatchObject({ reset: true });
});

test("given a client that leaves, gives its place back", async () => {
  const world = makeWorld();
  const client = new AbortController();
  const poll = await hold(world, await world.job(), 20, client.signal);
  expect(world.progress.stats().streams).toBe(1);
  client.abort();
  await poll.answer;
  expect(world.progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
});

test("given a job that is removed meanwhile, answers as to any other request for it", async () => {
  const world = makeWorld({ rereadMs: 1_000 });
  const id = await world.job();
  const poll = await hold(world, id);
  await world.store.sweep(Number.MAX_SAFE_INTEGER, 10);
  await pass(2_000);
  expect((await poll.answer).status).toBe(410);
});

test("given a drain, answers at once with what there is", async () => {
  const world = makeWorld();
  const poll = await hold(world, await world.job());
  const draining = world.progress.drain({ spreadMs: 0 });
  await pass(50);
  expect((await poll.answer).status).toBe(200);
  await draining;
});

test("given a store that is away for long, answers an empty delta, never an end", async () => {
  const world = makeWorld({ maxWaitMs: 60_000 });
  const poll = await hold(world, await world.job(), 60);
  world.store.fail("read");
  await pass(45_000);
  expect(bodyOf(await poll.answer)).toMatchObject({ set: {} });
});

test("given maxStreams, counts held polls too", async () => {
  const world = makeWorld({ maxStreams: 1 });
  const id = await world.job();
  const poll = await hold(world, id, 1);
  const refused = await world.progress.handle(facts(`/${id}?after=${poll.cursor}&wait=1`));
  expect(refused.status).toBe(429);
  await pass(1_500);
  expect((await poll.answer).status).toBe(200);
});
