import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { openPlannedJob, stateOf } from "./jobs.js";

useFakeTime();

describe("steps", () => {
  test("given a step, writes its start and its end at once, with times and units", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    await reporter.step("render", async (step) => {
      await advance(0);
      expect(await stateOf(context, reporter)).toMatchObject({
        step: "render",
        steps: { render: { status: "running", percent: null, startedAt: 1_700_000_000_000 } },
      });
      await advance(2_000);
      step.update({ done: 40, total: 80, unit: "frames", message: "half" });
      await advance(200);
      expect((await stateOf(context, reporter)).percent).toBe(37.5);
    });
    await advance(0);
    const state = await stateOf(context, reporter);
    expect(state.steps.render).toEqual({
      status: "completed",
      percent: 100,
      done: 80,
      total: 80,
      unit: "frames",
      message: "half",
      startedAt: 1_700_000_000_000,
      finishedAt: 1_700_000_002_200,
    });
    expect(state.percent).toBe(75);
  });

  test("given work that throws, marks the step as failed and rejects with the error", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    const error = new Error("disk");
    await expect(
      reporter.step("render", () => {
        throw error;
      }),
    ).rejects.toBe(error);
    expect(reporter.state.steps.render).toMatchObject({ status: "failed" });
  });

  test("given skip, counts the step as finished", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    reporter.skip("speech");
    await reporter.flush();
    const state = await stateOf(context, reporter);
    expect(state).toMatchObject({
      percent: 25,
      step: null,
      steps: { speech: { status: "skipped" } },
    });
  });

  test("given a step that has ended, ignores later calls", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    const step = reporter.beginStep("speech");
    step.complete();
    step.update({ percent: 5 });
    step.fail("late");
    step.skip();
    expect(reporter.state.steps.speech).toMatchObject({ status: "completed", percent: 100 });
    expect(reporter.state.steps.speech).not.toHaveProperty("message");
  });

  test("given a second run of a completed step, runs the work and keeps the step completed", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    await reporter.step("speech", () => {});
    const { speech } = reporter.state.steps;
    const again = reporter.step("speech", (step) => {
      step.update({ percent: 1 });
      return "ran";
    });
    expect(await again).toBe("ran");
    expect(reporter.state.steps.speech).toEqual(speech);
  });

  test("given a second run of a failed step, does not lower its percent", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    const step = reporter.beginStep("render");
    step.update({ percent: 70 });
    step.fail("once");
    reporter.beginStep("render").update({ percent: 10 });
    expect(reporter.state.steps.render).toMatchObject({ status: "running", percent: 70 });
  });

  test.each([
    { done: Number.NaN },
    { total: -1 },
    { percent: Number.POSITIVE_INFINITY },
    { message: 5 },
  ])("given the update %o, calls onError and does not change the step", async (update) => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    const step = reporter.beginStep("render");
    step.update(update as never);
    expect(context.errors).toMatchObject([{ code: "invalid-change" }]);
    expect(reporter.state.steps.render).toEqual({
      status: "running",
      percent: null,
      startedAt: Date.now(),
    });
  });

  test("given a total of 0, has no percent", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    reporter.beginStep("render").update({ done: 0, total: 0 });
    expect(reporter.state.steps.render).toMatchObject({ percent: null });
  });
});
