import { expect, test } from "vitest";
import type { Answer } from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

/** Starts a long poll at the current cursor of a job. */
async function startPoll(
  { progress }: TestContext,
  id: string,
  wait = 20,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ answered: () => boolean; answer: Promise<Answer>; cursor: string }> {
  const cursor = (await progress.status(id))?.cursor ?? "";
  let answered = false;
  const answer = progress.handle(
    requestFacts(`/${id}?after=${cursor}&wait=${wait}`, {}, { signal }),
  );
  const done = answer.then((result) => {
    answered = true;
    return result;
  });
  await advance(0);
  return { answered: () => answered, answer: done, cursor };
}

test("given a change, answers with it at once", async () => {
  const context = makeContext();
  const id = await context.createJob();
  const poll = await startPoll(context, id);
  expect(poll.answered()).toBe(false);
  await context.setFields(id, { message: "m" });
  await advance(0);
  expect(bodyOf(await poll.answer)).toMatchObject({ set: { message: "m" }, now: Date.now() });
});

test("given no change, answers with an empty delta after `wait`", async () => {
  const context = makeContext();
  const id = await context.createJob();
  const poll = await startPoll(context, id, 10);
  await advance(9_000);
  expect(poll.answered()).toBe(false);
  await advance(1_500);
  expect(bodyOf(await poll.answer)).toEqual({
    cursor: poll.cursor,
    set: {},
    now: expect.any(Number),
  });
  expect(context.progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
});

test("given a longer wait than maxWaitMs, waits for maxWaitMs", async () => {
  const context = makeContext({ maxWaitMs: 5_000 });
  const poll = await startPoll(context, await context.createJob(), 999);
  await advance(5_500);
  expect(poll.answered()).toBe(true);
});

test("given a runtime that cuts silent responses, answers within half of the silence it allows", async () => {
  const { progress, createJob } = makeContext();
  const id = await createJob();
  const { cursor } = (await progress.status(id)) ?? {};
  let answered = false;
  const answer = progress
    .handle(requestFacts(`/${id}?after=${cursor}&wait=20`, {}, { maxSilenceMs: 10_000 }))
    .then((result) => {
      answered = true;
      return result;
    });
  await advance(4_000);
  expect(answered).toBe(false);
  await advance(1_500);
  expect(answered).toBe(true);
  expect(bodyOf(await answer)).toMatchObject({ cursor, set: {} });
});

test("given a permission that ends, does not wait beyond its end", async () => {
  const until = Date.now() + 3_000;
  const context = makeContext({ authorize: () => ({ allow: true, until }) });
  const poll = await startPoll(context, await context.createJob(), 20);
  await advance(3_500);
  expect(poll.answered()).toBe(true);
});

test("given a job that has ended, answers at once with done", async () => {
  const context = makeContext();
  const id = await context.createJob();
  await context.setFields(id, { status: "failed" });
  const poll = await startPoll(context, id);
  expect(bodyOf(await poll.answer)).toMatchObject({ set: {}, done: true });
});

test("given an end while it waits, answers with the end", async () => {
  const context = makeContext();
  const id = await context.createJob();
  const poll = await startPoll(context, id);
  await context.setFields(id, { status: "completed", result: 1 });
  await advance(0);
  expect(bodyOf(await poll.answer)).toMatchObject({ set: { result: 1 }, done: true });
});

test("given no cursor, answers with the snapshot at once", async () => {
  const { progress, createJob } = makeContext();
  const answer = await progress.handle(requestFacts(`/${await createJob()}?wait=20`));
  expect(bodyOf(answer)).toMatchObject({ reset: true });
});

test("given a client that disconnects, frees its slot", async () => {
  const context = makeContext();
  const client = new AbortController();
  const poll = await startPoll(context, await context.createJob(), 20, client.signal);
  expect(context.progress.metrics().slots).toBe(1);
  client.abort();
  await poll.answer;
  expect(context.progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
});

test("given a job that is removed while it waits, answers 410", async () => {
  const context = makeContext({ rereadMs: 1_000 });
  const id = await context.createJob();
  const poll = await startPoll(context, id);
  await context.store.sweep(Number.MAX_SAFE_INTEGER, 10);
  await advance(2_000);
  expect((await poll.answer).status).toBe(410);
});

test("given a drain, answers at once with an empty delta", async () => {
  const context = makeContext();
  const poll = await startPoll(context, await context.createJob());
  const draining = context.progress.drain({ spreadMs: 0 });
  await advance(50);
  expect((await poll.answer).status).toBe(200);
  await draining;
});

test("given a long outage of the store, answers with an empty delta and no end", async () => {
  const context = makeContext({ maxWaitMs: 60_000 });
  const poll = await startPoll(context, await context.createJob(), 60);
  context.store.fail("read");
  await advance(45_000);
  expect(bodyOf(await poll.answer)).toMatchObject({ set: {} });
});

test("given maxStreams, counts long polls that wait", async () => {
  const context = makeContext({ maxStreams: 1 });
  const id = await context.createJob();
  const poll = await startPoll(context, id, 1);
  const refused = await context.progress.handle(requestFacts(`/${id}?after=${poll.cursor}&wait=1`));
  expect(refused.status).toBe(429);
  await advance(1_500);
  expect((await poll.answer).status).toBe(200);
});
