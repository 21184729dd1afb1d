import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { logOf, openPlainJob, openPlannedJob, stateOf } from "./jobs.js";

useFakeTime();

describe("open", () => {
  test("given a queued job, starts it", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    expect(await stateOf(context, reporter)).toMatchObject({
      status: "running",
      attempt: 1,
      startedAt: Date.now(),
    });
    expect(reporter.state).toMatchObject({ status: "running", startedAt: Date.now() });
  });

  test("given a running job and takeOver, takes it over without changing it", async () => {
    const context = makeContext();
    const first = await openPlannedJob(context);
    first.beginStep("speech").update({ percent: 40 });
    await first.flush();
    await advance(1_000);
    const second = await context.progress.open(first.id, { takeOver: true });
    expect(second.state).toMatchObject({
      startedAt: 1_700_000_000_000,
      steps: { speech: { status: "running", percent: 40 } },
    });
    second.beginStep("speech").update({ percent: 30 });
    await second.flush();
    expect((await stateOf(context, second)).steps.speech).toMatchObject({ percent: 40 });
  });

  test.each(["completed", "failed", "cancelled", "lost", "timed-out"])(
    "given a job that is %s, throws job-finished",
    async (status) => {
      const { progress, createJob, setFields } = makeContext();
      const id = await createJob();
      await setFields(id, { status });
      await expect(progress.open(id)).rejects.toMatchObject({ code: "job-finished" });
      expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0, reporters: 0 });
    },
  );

  test("given an unknown id, throws job-not-found", async () => {
    const { progress } = makeContext();
    await expect(progress.open("unknown")).rejects.toMatchObject({ code: "job-not-found" });
  });

  test.each([0, Number.NaN, Number.POSITIVE_INFINITY, 200, "15s"])(
    "given a lease of %s, throws before it writes",
    async (leaseMs) => {
      const { progress, createJob, store } = makeContext({ reportIntervalMs: 100 });
      const id = await createJob();
      const opening = progress.open(id, { leaseMs: leaseMs as number });
      await expect(opening).rejects.toMatchObject({ code: "invalid-option" });
      expect(store.calls).toMatchObject({ write: 0, watch: 0 });
    },
  );

  test("given a store that fails, throws store-unavailable", async () => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    store.fail("write");
    await expect(progress.open(id)).rejects.toMatchObject({ code: "store-unavailable" });
    expect(progress.metrics()).toMatchObject({ watchedJobs: 0, reporters: 0 });
  });
});

test("given a job that is ended while it is opened, returns a stopped reporter", async () => {
  const { progress, createJob, store, setFields } = makeContext({ rereadMs: 1_000 });
  const id = await createJob();
  const release = store.holdReplies("write");
  const opening = progress.open(id);
  await advance(1_000);
  const setting = setFields(id, { status: "timed-out" });
  await advance(2_000);
  release();
  await setting;
  const reporter = await opening;
  expect(reporter.signal.reason).toMatchObject({ code: "job-timed-out" });
  expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0, reporters: 0 });
});

test("given close() while a job is opened, rejects and does not renew the lease", async () => {
  const { progress, createJob, store } = makeContext();
  const id = await createJob();
  const release = store.hold("write");
  const opening = expect(progress.open(id)).rejects.toMatchObject({ code: "closed" });
  await advance(0);
  await progress.close();
  release();
  await opening;
  const { write } = store.calls;
  await advance(60_000);
  expect(store.calls.write).toBe(write);
});

describe("the next attempt", () => {
  test("given attempt: next, clears steps, percent and error, and increments the attempt", async () => {
    const context = makeContext();
    const first = await openPlannedJob(context);
    await first.step("speech", () => {});
    first.log("kept");
    await first.flush();
    await advance(1_000);
    const second = await context.progress.open(first.id, { attempt: "next" });
    expect(await stateOf(context, second)).toMatchObject({
      attempt: 2,
      percent: 0,
      steps: {},
      step: null,
      startedAt: Date.now(),
    });
    expect(second.state).toMatchObject({ attempt: 2, steps: {} });
    expect(await logOf(context, second)).toEqual(["kept"]);
  });

  test("given a later attempt, stops the earlier worker and refuses its writes", async () => {
    const context = makeContext();
    const first = await openPlannedJob(context);
    await advance(1_000);
    const second = await context.progress.open(first.id, { attempt: "next" });
    first.log("from the earlier worker");
    await advance(1_000);
    expect(first.signal.aborted).toBe(true);
    expect(first.signal.reason).toMatchObject({ code: "attempt-superseded" });
    await expect(first.complete(1)).rejects.toMatchObject({ code: "attempt-superseded" });
    expect(await logOf(context, second)).toEqual([]);
    await second.complete(2);
    expect(await stateOf(context, second)).toMatchObject({ status: "completed", result: 2 });
  });

  test("given two workers that begin the same attempt, refuses one of them", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    await (await progress.open(id)).close();
    const outcomes = await Promise.allSettled([
      progress.open(id, { attempt: "next" }),
      progress.open(id, { attempt: "next" }),
    ]);
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused).toMatchObject([{ reason: { code: "attempt-superseded" } }]);
  });
});
