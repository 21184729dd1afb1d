import { describe, expect, test } from "vitest";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { logOf, openPlainJob, stateOf } from "./jobs.js";

useFakeTime();

describe("changes by others", () => {
  test("given a cancel, aborts the signal and still accepts the worker's reports", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    await advance(1_000);
    await context.progress.cancel(reporter.id);
    await advance(1_000);
    expect(reporter.signal.reason).toMatchObject({ code: "job-cancelled" });
    expect(reporter.state.cancelRequested).toBe(true);
    reporter.log("tidying up");
    await reporter.cancelled();
    expect(await logOf(context, reporter)).toEqual(["tidying up"]);
  });

  test("given a cancel and a lost wake, aborts after the read that rereadMs triggers", async () => {
    const context = makeContext({ rereadMs: 2_000 });
    const reporter = await openPlainJob(context);
    context.store.wakes = "lost";
    await context.progress.cancel(reporter.id);
    await advance(2_500);
    expect(reporter.signal.aborted).toBe(true);
  });

  test("given a job that is cancelled before it is opened, aborts at once", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    await reporter.close();
    await context.progress.cancel(reporter.id);
    const next = await context.progress.open(reporter.id);
    expect(next.signal.aborted).toBe(true);
  });

  test.each([
    ["lost", "job-lost"],
    ["timed-out", "job-timed-out"],
    ["cancelled", "job-cancelled"],
    ["completed", "job-finished"],
  ])(
    "given a job that is ended as %s by someone else, aborts with %s and refuses its own end",
    async (status, code) => {
      const context = makeContext();
      const reporter = await openPlainJob(context);
      await advance(1_000);
      await context.setFields(reporter.id, { status });
      await advance(1_000);
      expect(reporter.signal.reason).toMatchObject({ code });
      await expect(reporter.complete(1)).rejects.toMatchObject({ code });
      expect((await stateOf(context, reporter)).status).toBe(status);
      expect(context.progress.metrics()).toMatchObject({ watchedJobs: 0, reporters: 0 });
    },
  );

  test("given a job that is removed, aborts with job-expired", async () => {
    const context = makeContext({ rereadMs: 1_000 });
    const reporter = await openPlainJob(context);
    context.store.read = async () => undefined;
    await advance(1_500);
    expect(reporter.signal.reason).toMatchObject({ code: "job-expired" });
  });

  test("given a signal of the caller, aborts when that signal aborts", async () => {
    const context = makeContext();
    const caller = new AbortController();
    const { id } = await context.progress.create({ kind: "k" });
    const reporter = await context.progress.open(id, { signal: caller.signal });
    caller.abort();
    expect(reporter.signal.reason).toMatchObject({ code: "job-cancelled" });
  });
});

describe("a worker that writes often, without readers", () => {
  async function writeOften(context: TestContext): Promise<number> {
    const reporter = await openPlainJob(context);
    const before = context.store.calls.read;
    for (let i = 0; i < 100; i += 1) {
      reporter.update({ message: `${i}` });
      await advance(100);
    }
    expect(context.store.calls.write).toBeGreaterThan(100);
    return context.store.calls.read - before;
  }

  test("given wakes with versions, reads at most twice in 100 writes", async () => {
    expect(await writeOften(makeContext({ reportIntervalMs: 50 }))).toBeLessThanOrEqual(2);
  });

  test("given wakes without versions, reads at most twice a second", async () => {
    const context = makeContext({ reportIntervalMs: 50 });
    context.store.wakesHaveVersions = false;
    expect(await writeOften(context)).toBeLessThanOrEqual(21);
  });

  test.each([
    ["between two writes", false],
    ["while a write is under way", true],
  ])("given a cancel %s, aborts at once", async (_when, held) => {
    const context = makeContext({ reportIntervalMs: 50 });
    const reporter = await openPlainJob(context);
    reporter.update({ message: "first" });
    await advance(60);
    const release = held ? context.store.holdReplies("write") : undefined;
    if (held) reporter.log("under way");
    await advance(0);
    const cancelling = context.setFields(reporter.id, { cancelRequested: true });
    release?.();
    await cancelling;
    await advance(0);
    expect(reporter.signal.reason).toMatchObject({ code: "job-cancelled" });
  });

  test("given a cancel and a lost wake, aborts after the reply to its next write", async () => {
    const context = makeContext({ reportIntervalMs: 50, rereadMs: 60_000 });
    const reporter = await openPlainJob(context);
    context.store.wakes = "lost";
    await context.setFields(reporter.id, { cancelRequested: true });
    await advance(100);
    expect(reporter.signal.aborted).toBe(false);
    reporter.update({ message: "next" });
    await advance(0);
    expect(reporter.signal.reason).toMatchObject({ code: "job-cancelled" });
  });

  test("given a cancel and a lost wake, aborts after the reply to its next renewal", async () => {
    const context = makeContext({ rereadMs: 60_000, leaseMs: 3_000 });
    const reporter = await openPlainJob(context);
    context.store.wakes = "lost";
    await context.setFields(reporter.id, { cancelRequested: true });
    await advance(1_000);
    expect(reporter.signal.reason).toMatchObject({ code: "job-cancelled" });
  });
});
