import { describe, expect, test, vi } from "vitest";
import { memoryStore, type Progress, type Reporter } from "../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "./context.js";
import { requestFacts } from "./requests.js";

useFakeTime();

const PLAN = ["speech", "render"];
const CACHE_MS = 5_000;

const create = (progress: Progress): Promise<{ readonly id: string }> =>
  progress.create({ kind: "video", plan: PLAN });

/** Work whose steps take 2 and 8 seconds. */
async function work(job: Reporter): Promise<null> {
  await job.step("speech", () => advance(2_000));
  await job.step("render", () => advance(8_000));
  return null;
}

/** Creates a job after the cache is old, and returns its plan. */
async function nextPlan({ progress }: Pick<TestContext, "progress">): Promise<unknown> {
  await advance(CACHE_MS);
  const { id } = await create(progress);
  return (await progress.status(id))?.plan;
}

const LEARNED = [
  { id: "speech", title: "Speech", weight: 2_000, expectedMs: 2_000, spread: 1.77 },
  { id: "render", title: "Render", weight: 8_000, expectedMs: 8_000, spread: 1.77 },
];
describe("a completed job", () => {
  test("teaches the next one its times, from which that derives an ETA at once", async () => {
    const context = makeContext();
    const { progress } = context;
    await progress.run((await create(progress)).id, work);
    expect(await nextPlan(context)).toEqual(LEARNED);
    const { id } = await create(progress);
    expect(await progress.status(id)).toMatchObject({ etaMs: null, percent: 0 });
    const job = await progress.open(id);
    expect(await progress.status(id)).toMatchObject({ etaMs: 10_000 });
    await job.step("speech", () => advance(2_000));
    expect(await progress.status(id)).toMatchObject({ etaMs: 8_000, percent: 20 });
  });

  test("given a creation right after the end, has the times of that job", async () => {
    const { progress } = makeContext();
    await progress.run((await create(progress)).id, work);
    await advance(0);
    const { id } = await create(progress);
    expect((await progress.status(id))?.plan).toEqual(LEARNED);
  });

  test("given a worker that reports over HTTP, and repeats its last report, teaches once", async () => {
    const context = makeContext({ authorize: () => true });
    const { progress, store } = context;
    const { id } = await create(progress);
    async function report(count: number, members: object): Promise<void> {
      const body = async () =>
        JSON.stringify({ hold: { token: "t".repeat(32), count }, ...members });
      const headers = { "content-type": "application/json" };
      const facts = requestFacts(`/${id}/updates`, headers, { method: "POST", body });
      expect((await progress.handle(facts)).status).toBe(200);
    }
    await report(1, { open: {}, steps: { speech: {} } });
    await advance(2_000);
    await report(2, { steps: { speech: { status: "completed" }, render: {} } });
    await advance(8_000);
    for (const _ of ["", "again"]) await report(3, { end: { status: "completed" } });
    expect(store.calls.learn).toBe(1);
    expect(await nextPlan(context)).toEqual(LEARNED);
  });

  test("given a second attempt, teaches only the times of that one", async () => {
    const context = makeContext();
    const { progress } = context;
    const { id } = await create(progress);
    const job = await progress.open(id);
    await job.step("speech", () => advance(60_000));
    await job.requeue();
    await advance(30_000);
    await progress.run(id, work, { attempt: "next" });
    expect(await nextPlan(context)).toEqual(LEARNED);
  });

  test("given a size, teaches the times per unit to jobs of other sizes", async () => {
    const context = makeContext();
    const { progress } = context;
    const sized = { kind: "video", plan: PLAN, size: 10 };
    await progress.run((await progress.create(sized)).id, work);
    await advance(CACHE_MS);
    const { id } = await progress.create({ ...sized, size: 25 });
    const { plan } = (await progress.status(id)) ?? {};
    expect(plan?.map(({ expectedMs }) => expectedMs)).toEqual([5_000, 20_000]);
    expect(await nextPlan(context)).toEqual(LEARNED);
  });

  test("given no plan, or no step that took time, teaches nothing", async () => {
    const { progress, store, createJob } = makeContext();
    await progress.run(await createJob(), work);
    await progress.run((await create(progress)).id, async (job) => {
      job.skip("speech");
      return null;
    });
    expect(store.calls).toMatchObject({ learn: 0, expectations: 1 });
  });
});

test("given jobs that fail, are cancelled or lost, these teach nothing", async () => {
  const { progress, store } = makeContext();
  for (const end of ["failed", "cancelled"] as const) {
    const job = await progress.open((await create(progress)).id);
    await job.step("speech", () => advance(2_000));
    await job.end(end);
  }
  const { id } = await create(progress);
  const job = await progress.open(id);
  await job.step("speech", () => advance(2_000));
  await progress.end(id, "lost");
  expect(store.calls.learn).toBe(0);
});

describe("a store that does not tell", () => {
  test("given an error, creates jobs without it, reports it once, and asks again later", async () => {
    const context = makeContext();
    const { progress, store, errors } = context;
    await progress.run((await create(progress)).id, work);
    await advance(CACHE_MS);
    store.fail("expectations");
    for (let job = 0; job < 10; job += 1) await create(progress);
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
    expect(store.calls.expectations).toBe(2);
    store.recover();
    expect(await nextPlan(context)).toEqual(LEARNED);
  });

  test("given no answer, waits half a second once, and creates the jobs", async () => {
    const { progress, store, errors } = makeContext();
    const answer = store.hold("expectations");
    const begunAt = Date.now();
    const first = create(progress);
    await advance(499);
    expect(store.calls.create).toBe(0);
    await advance(1);
    await first;
    await create(progress);
    expect(Date.now() - begunAt).toBe(500);
    expect(errors).toHaveLength(1);
    answer();
  });

  test("given many creations at once, asks once", async () => {
    const { progress, store } = makeContext();
    await Promise.all(Array.from({ length: 50 }, () => create(progress)));
    expect(store.calls.expectations).toBe(1);
  });
});

describe("a store that does not learn", () => {
  test("given an error, the job is completed nevertheless, and one error is reported", async () => {
    const { progress, store, errors } = makeContext();
    store.fail("learn");
    for (let job = 0; job < 2; job += 1) {
      const state = await progress.run((await create(progress)).id, work);
      expect(state.status).toBe("completed");
    }
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test("given no answer, the end does not wait for it, but close() does, for a second", async () => {
    const { progress, store } = makeContext();
    const answer = store.hold("learn");
    await progress.run((await create(progress)).id, work);
    const closed = vi.fn();
    const closing = progress.close().then(closed);
    await advance(900);
    expect(closed).not.toHaveBeenCalled();
    answer();
    await closing;
    const other = makeContext({}, store);
    expect(await nextPlan(other)).toEqual(LEARNED);
  });

  test("given a store that the app has closed, reports nothing", async () => {
    const store = memoryStore();
    const { progress, errors } = makeContext({ store });
    await progress.run((await create(progress)).id, async (job) => {
      await job.step("speech", () => advance(2_000));
      // The last write passes, and then the app closes the store before the job has taught it.
      const { write } = store;
      store.write = async (jobId, change) => {
        const written = await write(jobId, change);
        if (change.set.status === "completed") await store.close();
        return written;
      };
      return null;
    });
    await progress.close();
    expect(errors).toEqual([]);
  });
});
