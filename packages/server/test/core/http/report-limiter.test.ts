import { expect, test } from "vitest";
import { ProgressError, type ProgressOptions } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

const TOKEN = "t".repeat(32);

/** A job, and a function that renews its hold some times. It counts the answers by status. */
async function setUp(options: Partial<ProgressOptions> = {}) {
  const context = makeContext({ authorize: () => true, ...options });
  const { progress, createJob } = context;
  let bodies = 0;

  async function send(id: string, count: number) {
    const text = JSON.stringify({
      hold: { token: TOKEN, count },
      ...(count === 1 && { open: {} }),
    });
    const body = async () => {
      bodies += 1;
      return text;
    };
    const type = { "content-type": "application/json" };
    return progress.handle(requestFacts(`/${id}/updates`, type, { method: "POST", body }));
  }

  async function renew(id: string, times: number) {
    const statuses: Record<number, number> = {};
    for (let count = 1; count <= times; count += 1) {
      const { status } = await send(id, count);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return statuses;
  }

  return { ...context, id: await createJob(), createJob, send, renew, bodies: () => bodies };
}

test("given more reports than the limit, refuses the rest without reading a body", async () => {
  const { progress, id, renew, send, bodies } = await setUp({ maxReportsPerSecond: 5 });
  expect(await renew(id, 13)).toEqual({ 200: 10, 429: 3 });
  expect(bodies()).toBe(10);
  const refused = await send(id, 14);
  expect(bodyOf(refused)).toMatchObject({ code: "too-many-reports", retryAfterMs: 2_500 });
  expect(refused.headers["retry-after"]).toBe("3");
  expect(progress.metrics().refusals).toEqual({ "too-many-reports": 4 });
});

test("given a worker that waits, takes as many reports as the time allows", async () => {
  const { id, renew } = await setUp({ maxReportsPerSecond: 5 });
  await renew(id, 11);
  await advance(1_000);
  expect(await renew(id, 6)).toEqual({ 200: 5, 429: 1 });
  await advance(60_000);
  expect(await renew(id, 20)).toEqual({ 200: 10, 429: 10 });
});

test("given a worker that never stops, takes the limit per second", async () => {
  const { id, renew } = await setUp({ maxReportsPerSecond: 10 });
  await renew(id, 20);
  let taken = 0;
  for (let round = 0; round < 100; round += 1) {
    await advance(100);
    taken += (await renew(id, 3))[200] ?? 0;
  }
  expect(taken).toBe(100);
});

test("given one busy job, takes the reports of another", async () => {
  const { id, createJob, renew } = await setUp({ maxReportsPerSecond: 1 });
  await renew(id, 10);
  expect(await renew(await createJob(), 2)).toEqual({ 200: 2 });
});

test("given requests that are not allowed to report, leaves the worker its reports", async () => {
  const { progress, id, renew } = await setUp({
    maxReportsPerSecond: 1,
    authorize: ({ facts }) => facts.header("x-user") === undefined,
  });
  const headers = { "x-user": "stranger", "content-type": "application/json" };
  const stranger = requestFacts(`/${id}/updates`, headers, { method: "POST" });
  for (let count = 0; count < 10; count += 1)
    expect(await progress.handle(stranger)).toMatchObject({ status: 403 });
  expect(await renew(id, 2)).toEqual({ 200: 2 });
});

test("given no limit of its own, takes 100 at once; given Infinity, takes all", async () => {
  const { id, renew } = await setUp();
  expect(await renew(id, 110)).toEqual({ 200: 100, 429: 10 });
  const unbounded = await setUp({ maxReportsPerSecond: Number.POSITIVE_INFINITY });
  expect(await unbounded.renew(unbounded.id, 300)).toEqual({ 200: 300 });
});

test("given reports whose bodies do not arrive, takes the next ones once these have failed", async () => {
  const { progress, id, renew } = await setUp();
  const type = { "content-type": "application/json" };
  let fail = (): void => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = () => reject(new ProgressError("request-timed-out", { message: "Late.", status: 408 }));
  });
  const slow = requestFacts(`/${id}/updates`, type, { method: "POST", body: () => failed });
  const answers = Array.from({ length: 10 }, () => progress.handle(slow));
  expect(await renew(id, 1)).toEqual({ 429: 1 });
  fail();
  for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ status: 408 });
  expect(await renew(id, 20)).toEqual({ 200: 20 });
});
