import { describe, expect, test } from "vitest";
import { defineJob, JobFailure } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { logOf, openPlainJob, openPlannedJob, stateOf } from "./jobs.js";

useFakeTime();

describe("the end", () => {
  test("given complete, writes pending changes and the end together and completes running steps", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    await advance(200);
    reporter.beginStep("speech");
    reporter.update({ message: "nearly" });
    const state = await reporter.complete({ videoUrl: "/v" });
    expect(state).toMatchObject({
      status: "completed",
      percent: 100,
      message: "nearly",
      result: { videoUrl: "/v" },
      finishedAt: Date.now(),
      steps: { speech: { status: "completed" } },
    });
    const { cursor, ...stored } = await stateOf(context, reporter);
    expect(state).toEqual(stored);
    expect(context.progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0, reporters: 0 });
  });

  test("given a second end, rejects it and ignores later reports", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    await reporter.complete(1);
    await expect(reporter.fail({ code: "x", message: "y" })).rejects.toMatchObject({
      code: "job-finished",
    });
    reporter.update({ message: "late" });
    reporter.log("late");
    await advance(60_000);
    expect(await stateOf(context, reporter)).toMatchObject({ status: "completed", message: null });
    expect(await logOf(context, reporter)).toEqual([]);
    expect(context.errors).toEqual([]);
  });

  test("given two ends at the same time, accepts only the first", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    const outcomes = await Promise.allSettled([
      reporter.complete(1),
      reporter.fail({ code: "x", message: "y" }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect((await stateOf(context, reporter)).status).toBe("completed");
  });

  test("given a result that is not JSON, rejects it and still accepts another end", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    await expect(reporter.complete((() => 1) as never)).rejects.toMatchObject({
      code: "invalid-change",
    });
    await reporter.fail({ code: "no-result", message: "Nothing came of it." });
    expect(await stateOf(context, reporter)).toMatchObject({
      status: "failed",
      error: { code: "no-result" },
    });
  });

  test.each([
    [
      "a JobError",
      { code: "quota", message: "No disk left." },
      { code: "quota", message: "No disk left." },
    ],
    [
      "a JobFailure",
      new JobFailure({ code: "quota", message: "No disk." }),
      { code: "quota", message: "No disk." },
    ],
    [
      "any other error",
      new Error("/etc/shadow"),
      { code: "job-failed", message: "The job failed." },
    ],
    ["a string", "ENOENT /root", { code: "job-failed", message: "The job failed." }],
    [
      "an error with a code",
      Object.assign(new Error("ENOENT /root"), { code: "ENOENT" }),
      { code: "job-failed", message: "The job failed." },
    ],
  ])(
    "given fail with %s, shows only text that is meant for readers",
    async (_name, error, shown) => {
      const context = makeContext();
      const reporter = await openPlainJob(context);
      await reporter.fail(error);
      expect((await stateOf(context, reporter)).error).toEqual(shown);
      const isForeign = shown.code === "job-failed";
      expect(context.errors.map(({ cause }) => cause)).toEqual(isForeign ? [error] : []);
    },
  );

  test("given cancelled() or end(), sets the status, the message and the error", async () => {
    const context = makeContext();
    const [one, other] = [await openPlainJob(context), await openPlainJob(context)];
    expect(await one.cancelled("As you wished.")).toMatchObject({
      status: "cancelled",
      message: "As you wished.",
    });
    const error = { code: "oom", message: "The worker was killed." };
    expect(await other.end("lost", { error })).toMatchObject({ status: "lost", error });
  });
});

describe("a job definition", () => {
  test("given a validator, checks the metadata and the result", async () => {
    const refuse = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: () => ({ issues: [{ message: "too short" }] }),
      },
    };
    const { progress } = makeContext();
    const strict = defineJob({ kind: "k", metadata: refuse });
    await expect(progress.create({ definition: strict, metadata: {} })).rejects.toMatchObject({
      code: "invalid-change",
      message: expect.stringContaining("too short"),
    });
    const definition = defineJob({ kind: "k", result: refuse });
    const reporter = await progress.open(await progress.create({ definition }));
    await expect(reporter.complete(undefined as never)).rejects.toMatchObject({
      code: "invalid-change",
    });
  });
});
