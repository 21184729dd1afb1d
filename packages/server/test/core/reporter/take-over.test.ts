import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { openPlainJob } from "./jobs.js";

useFakeTime();

describe("a takeover of a job that was seen at a cursor", () => {
  test("given the worker of then, takes the job from it", async () => {
    const context = makeContext();
    const first = await openPlainJob(context);
    const seen = await context.progress.status(first.id);
    const second = await context.progress.open(first.id, { takeOver: seen?.cursor });
    second.update({ percent: 10 });
    await second.flush();
    await advance(10_000);
    expect(first.signal.reason).toMatchObject({ code: "hold-lost" });
    expect(second.signal.aborted).toBe(false);
  });

  test("given a worker that has begun the next attempt since, leaves the job to it", async () => {
    const context = makeContext();
    const { progress } = context;
    const { id } = await openPlainJob(context);
    const seen = await progress.status(id);
    const next = await progress.open(id, { attempt: "next" });
    await expect(progress.open(id, { takeOver: seen?.cursor })).rejects.toMatchObject({
      code: "job-held",
    });
    await advance(10_000);
    expect(next.signal.aborted).toBe(false);
    // A takeover without a cursor takes it from any worker.
    await progress.open(id, { takeOver: true });
  });

  test("given text that is no cursor, refuses the option", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    await expect(progress.open(id, { takeOver: "yes" })).rejects.toMatchObject({
      code: "invalid-option",
    });
  });
});
