import { describe, expect, test } from "vitest";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { PLAN } from "./jobs.js";

useFakeTime();

async function createPlannedJob(context: TestContext): Promise<string> {
  return (await context.progress.create({ kind: "video", plan: PLAN })).id;
}

test("given a requeue, the job is queued and the next attempt continues it", async () => {
  const context = makeContext();
  const { progress } = context;
  const id = await createPlannedJob(context);
  const first = await progress.open(id);
  first.beginStep("speech").complete();
  first.beginStep("render").update({ percent: 30 });
  await advance(1_000);
  await first.requeue({ message: "Retrying in 5 s" });

  expect(await progress.status(id)).toMatchObject({
    status: "queued",
    attempt: 1,
    message: "Retrying in 5 s",
    startedAt: 1_700_000_000_000,
    finishedAt: null,
    steps: {
      speech: { status: "completed" },
      render: { status: "failed", percent: 30, finishedAt: Date.now() },
    },
  });
  expect(first.signal.reason).toMatchObject({ code: "closed" });
  expect(progress.metrics().reporters).toBe(0);

  const second = await progress.open(id, { attempt: "next" });
  expect(second.state).toMatchObject({
    status: "running",
    attempt: 2,
    percent: 0,
    steps: {},
    startedAt: Date.now(),
  });
  await second.complete(null);
  expect(await progress.status(id)).toMatchObject({ status: "completed", attempt: 2 });
});

test("given a requeue, gives up the lease, so that the job becomes neither stale nor lost", async () => {
  const context = makeContext({ leaseMs: 3_000 });
  const id = await createPlannedJob(context);
  const job = await context.progress.open(id);
  await job.requeue();
  await advance(30_000);
  await context.progress.sweep();
  expect(await context.progress.status(id)).toMatchObject({ status: "queued", stale: false });
});

test("given reports before a requeue, stores them first", async () => {
  const context = makeContext();
  const id = await createPlannedJob(context);
  const job = await context.progress.open(id);
  job.log("one");
  job.update({ metadata: { tries: 1 } });
  job.log("two");
  await job.requeue();
  const delta = await context.store.read(id);
  expect(delta?.log.map(({ text }) => text)).toEqual(["one", "two"]);
  expect(delta?.set["metadata.tries"]).toBe(1);
  job.log("ignored after the requeue");
  await advance(1_000);
  expect((await context.store.read(id))?.log).toHaveLength(2);
});

test("given a lost reply to the requeue, requeues once", async () => {
  const context = makeContext();
  const id = await createPlannedJob(context);
  const job = await context.progress.open(id);
  await advance(0);
  context.store.loseReplies("write");
  const requeuing = job.requeue({ message: "again" });
  await advance(100);
  const { version } = versionOf(await context.store.read(id));
  context.store.recover();
  await advance(6_000);
  await requeuing;
  expect(versionOf(await context.store.read(id))).toEqual({ version });
  expect(await context.progress.status(id)).toMatchObject({ status: "queued", message: "again" });
});

test("given a job with a requested cancel, cancels it instead", async () => {
  const context = makeContext();
  const id = await createPlannedJob(context);
  const job = await context.progress.open(id);
  await context.progress.cancel(id);
  await advance(0);
  await job.requeue();
  expect(await context.progress.status(id)).toMatchObject({ status: "cancelled" });
});

test("given a job that has ended, refuses the requeue", async () => {
  const context = makeContext();
  const job = await context.progress.open(await createPlannedJob(context));
  await job.complete(null);
  await expect(job.requeue()).rejects.toMatchObject({ code: "job-finished" });
});

describe("work that requeues its job", () => {
  test("given work that returns, resolves with the queued state", async () => {
    const context = makeContext();
    const id = await createPlannedJob(context);
    const state = await context.progress.run(id, async (job) => job.requeue());
    expect(state.status).toBe("queued");
    expect(context.errors).toEqual([]);
  });

  test("given work that throws after the requeue, rejects with its error and leaves the job queued", async () => {
    const context = makeContext();
    const id = await createPlannedJob(context);
    const running = context.progress.run(id, async (job) => {
      await job.requeue();
      throw new Error("the work failed");
    });
    await expect(running).rejects.toThrow("the work failed");
    expect(await context.progress.status(id)).toMatchObject({ status: "queued" });
  });
});

function versionOf(delta: { readonly cursor: string } | undefined): { readonly version: number } {
  return { version: Number(delta?.cursor.split(".")[1]) };
}
