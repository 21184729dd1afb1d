import { describe, expect, test } from "vitest";
import type { JobState } from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { closedGate } from "../gate.js";
import { openPlainJob, openPlannedJob, stateOf } from "./jobs.js";

useFakeTime();

/** Collects the states that a watcher of the job gets. */
async function watchedStates({ progress }: TestContext, id: string): Promise<JobState[]> {
  const states: JobState[] = [];
  await progress.watch(id, (state) => {
    if (state !== undefined) states.push(state);
  });
  return states;
}

describe("one step begun twice at once", () => {
  test("given two parallel runs, the percent never falls and the step ends once both have ended", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    const states = await watchedStates(context, reporter.id);
    const runs = [30, 20].map((slowness, run) =>
      reporter.step("render", async (step) => {
        for (let frame = 0; frame < 10; frame += 1) {
          await advance(slowness);
          step.update({ done: frame * (run + 1), total: 100, message: `run ${run}` });
        }
        if (run === 1) await advance(5_000);
      }),
    );
    await runs[0];
    expect(reporter.state.steps.render).toMatchObject({ status: "running" });
    await Promise.all(runs);
    await advance(200);
    const percents = states.map(({ percent }) => percent ?? 0);
    expect(percents).toEqual([...percents].sort((one, other) => one - other));
    expect(states.at(-1)?.steps.render).toMatchObject({ status: "completed", percent: 100 });
    const statuses = states.map(({ steps }) => steps.render?.status);
    expect(statuses.indexOf("completed")).toBe(statuses.lastIndexOf("running") + 1);
  });

  test.each([
    ["complete", "fail", "failed"],
    ["fail", "complete", "failed"],
    ["skip", "complete", "completed"],
    ["skip", "skip", "skipped"],
  ] as const)(
    "given one user's %s and the other's %s, ends as %s",
    async (first, second, status) => {
      const context = makeContext();
      const reporter = await openPlannedJob(context);
      const [one, other] = [reporter.beginStep("render"), reporter.beginStep("render")];
      one.update({ percent: 40 });
      one[first]();
      one[first]();
      expect(reporter.state.steps.render).toMatchObject({ status: "running", percent: 40 });
      other.update({ percent: 30 });
      other[second]();
      await reporter.flush();
      expect((await stateOf(context, reporter)).steps.render).toMatchObject({
        status,
        percent: status === "completed" ? 100 : 40,
        finishedAt: Date.now(),
      });
    },
  );

  test("given a step that a step of the same id contains, ends with the outer one", async () => {
    const reporter = await openPlannedJob(makeContext());
    await reporter.step("render", async () => {
      await reporter.step("render", (inner) => inner.update({ percent: 50 }));
      expect(reporter.state.steps.render).toMatchObject({ status: "running", percent: 50 });
    });
    expect(reporter.state.steps.render).toMatchObject({ status: "completed", percent: 100 });
  });
});

test.each(["complete", "skip"] as const)(
  "given a step that ended by %s, a second begin does not bring it back",
  async (end) => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    reporter.beginStep("speech")[end]();
    const { speech } = reporter.state.steps;
    await reporter.step("speech", (step) => step.update({ percent: 1, message: "again" }));
    reporter.skip("speech");
    await reporter.flush();
    expect((await stateOf(context, reporter)).steps.speech).toEqual(speech);
  },
);

describe("reports of others while a job is taken over", () => {
  test("given a report between the read and the write that opens the job, the percent does not fall", async () => {
    const context = makeContext();
    const first = await openPlainJob(context);
    const other = makeContext({}, context.store);
    const written = closedGate();
    const { write } = context.store;
    // The write that opens the job waits until the first worker has reported.
    context.store.write = async (id, change) => {
      if (change.hold?.opens !== undefined) await written.opened;
      return write(id, change);
    };
    const opening = other.progress.open(first.id, { takeOver: true });
    await advance(0);
    first.update({ percent: 60, message: "of the first" });
    await first.flush();
    written.open();
    const second = await opening;
    expect(second.state).toMatchObject({ percent: 60, message: "of the first" });
    second.update({ percent: 45 });
    await second.flush();
    expect(await stateOf(context, first)).toMatchObject({ percent: 60 });
  });

  test("given a step between the read and the write that begins the next attempt, clears that step too", async () => {
    const context = makeContext();
    const first = await openPlannedJob(context);
    const written = closedGate();
    const { write } = context.store;
    context.store.write = async (id, change) => {
      if (change.hold?.opens !== undefined) await written.opened;
      return write(id, change);
    };
    const opening = context.progress.open(first.id, { attempt: "next" });
    await advance(0);
    first.beginStep("render").update({ percent: 80 });
    await first.flush();
    written.open();
    const second = await opening;
    expect(second.state).toMatchObject({ attempt: 2, percent: 0, steps: {} });
    expect(await stateOf(context, second)).toMatchObject({ attempt: 2, percent: 0, steps: {} });
  });

  test("given a supervisor's percent for a job that a worker holds, refuses it as job-held", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    reporter.update({ percent: 40 });
    await reporter.flush();
    const { progress } = context;
    const updating = progress.update(reporter.id, { percent: 90, message: "from outside" });
    await expect(updating).rejects.toMatchObject({ code: "job-held" });
    await progress.update(reporter.id, { message: "from outside" });
    expect(await stateOf(context, reporter)).toMatchObject({
      percent: 40,
      message: "from outside",
    });
    await reporter.close();
    await progress.update(reporter.id, { percent: 90 });
    expect(await stateOf(context, reporter)).toMatchObject({ percent: 90 });
  });
});
