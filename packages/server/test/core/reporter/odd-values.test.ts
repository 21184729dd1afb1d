import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  memoryStore,
  type Progress,
  ProgressError,
  type Reporter,
  type StepReporter,
} from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { faultyStore } from "../faulty-store.js";
import { logOf, openPlainJob } from "./jobs.js";
import { ODD_VALUES } from "./odd-values.js";

useFakeTime();

type Report = (job: Reporter, value: never, step: StepReporter) => unknown;

/** The methods that report. None of them may throw. */
const REPORTS: Readonly<Record<string, Report>> = {
  "update(value)": (job, value) => job.update(value),
  "update({ percent })": (job, percent) => job.update({ percent }),
  "update({ message })": (job, message) => job.update({ message }),
  "update({ metadata })": (job, metadata) => job.update({ metadata }),
  "update({ metadata: { key } })": (job, key) => job.update({ metadata: { key } }),
  "log(value)": (job, value) => job.log(value),
  "log(text, value)": (job, value) => job.log("text", value),
  "log(text, { level })": (job, level) => job.log("text", { level }),
  "log(text, { data })": (job, data) => job.log("text", { data }),
  "beginStep(value)": (job, value) => job.beginStep(value).complete(),
  "skip(value)": (job, value) => job.skip(value),
  "step.update(value)": (_job, value, step) => step.update(value),
  "step.update({ done, total })": (_job, value, step) => step.update({ done: value, total: value }),
  "step.update({ percent })": (_job, percent, step) => step.update({ percent }),
  "step.update({ message, unit })": (_job, value, step) =>
    step.update({ message: value, unit: value }),
  "beginStep().complete(value)": (job, value) =>
    (job.beginStep("a").complete as (value: never) => void)(value),
  "beginStep().fail(value)": (job, value) => job.beginStep("b").fail(value),
  "beginStep().skip(value)": (job, value) =>
    (job.beginStep("c").skip as (value: never) => void)(value),
};

/** The methods that return a promise. They may reject, with a ProgressError. */
const PROMISES: Readonly<Record<string, (job: Reporter, value: never) => Promise<unknown>>> = {
  "complete(value)": (job, value) => job.complete(value),
  "fail(value)": (job, value) => job.fail(value),
  "cancelled(value)": (job, value) => job.cancelled(value),
  "end(value)": (job, value) => job.end(value),
  "end(status, value)": (job, value) => job.end("failed", value),
  "end(status, { message })": (job, message) => job.end("failed", { message }),
  "end(status, { error })": (job, error) => job.end("failed", { error }),
  "requeue(value)": (job, value) => job.requeue(value),
  "requeue({ message })": (job, message) => job.requeue({ message }),
  "step(value, work)": (job, value) => job.step(value, () => {}),
  "step(id, value)": (job, value) => job.step("render", value),
};

/** The methods of a supervisor. */
const SUPERVISOR: Readonly<
  Record<string, (progress: Progress, id: string, value: never) => Promise<unknown>>
> = {
  "update(id, value)": ({ update }, id, value) => update(id, value),
  "update(id, { metadata })": ({ update }, id, metadata) => update(id, { metadata }),
  "end(id, status, value)": ({ end }, id, value) => end(id, "failed", value),
  "open(id, value)": async ({ open }, id, value) => (await open(id, value)).close(),
  "create(value)": ({ create }, _id, value) => create(value),
  "create({ metadata })": ({ create }, _id, metadata) => create({ kind: "k", metadata }),
  "create({ plan })": ({ create }, _id, plan) => create({ kind: "k", plan }),
};

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => {
  unhandled.push(reason);
};
beforeEach(() => {
  process.on("unhandledRejection", onUnhandled);
});
afterEach(() => {
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

async function expectStillWorks(context: TestContext, job: Reporter): Promise<void> {
  expect(job.signal.aborted).toBe(false);
  job.log("the job still works");
  job.update({ message: "so it does" });
  await job.flush();
  expect((await logOf(context, job))?.at(-1)).toBe("the job still works");
  const { status, message, result } = await job.complete({ well: true });
  expect({ status, message, result }).toEqual({
    status: "completed",
    message: "so it does",
    result: { well: true },
  });
  for (const error of context.errors) expect(error).toBeInstanceOf(ProgressError);
}

const CASES = Object.keys(REPORTS).length * ODD_VALUES.length;

test("the table has at least 640 pairs of a method and an odd value", () => {
  expect(CASES).toBeGreaterThanOrEqual(640);
});

describe.each(Object.entries(REPORTS))("%s", (_method, report) => {
  test.each(ODD_VALUES)(
    "given %s, does not throw, and the job still works",
    async (_name, value) => {
      const context = makeContext({}, faultyStore(memoryStore()));
      const job = await openPlainJob(context);
      const step = job.beginStep("render");
      expect(() => report(job, value as never, step)).not.toThrow();
      step.complete();
      await expectStillWorks(context, job);
    },
  );
});

describe.each(Object.entries(PROMISES))("%s", (_method, call) => {
  test.each(ODD_VALUES)(
    "given %s, rejects with a ProgressError only, and the job ends",
    async (_name, value) => {
      const context = makeContext();
      const job = await openPlainJob(context);
      let outcome: unknown;
      const calling = call(job, value as never).then(
        () => {},
        (error) => {
          outcome = error;
        },
      );
      await calling;
      if (outcome !== undefined && !isOwnErrorOfWork(outcome, value))
        expect(outcome).toBeInstanceOf(ProgressError);
      const ended = (await context.progress.status(job.id))?.status !== "running";
      if (!ended) await expectStillWorks(context, job);
    },
  );
});

/** A step rejects with the error of its own work. */
function isOwnErrorOfWork(error: unknown, value: unknown): boolean {
  return typeof value === "function" && error instanceof TypeError;
}

describe.each(Object.entries(SUPERVISOR))("progress.%s", (_method, call) => {
  test.each(ODD_VALUES)("given %s, rejects with a ProgressError only", async (_name, value) => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const outcome: unknown = await call(progress, id, value as never).catch((error) => error);
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ProgressError);
  });
});

describe("run", () => {
  test.each(ODD_VALUES)(
    "given work that throws %s, ends the job as failed; with rethrow, throws it",
    async (_name, value) => {
      const context = makeContext();
      const { progress, createJob, errors } = context;
      const work = (): never => {
        throw value;
      };
      expect((await progress.run(await createJob(), work)).status).toBe("failed");
      if (isJobError(value)) expect(errors).toEqual([]);
      else {
        expect(errors.map(({ code }) => code)).toEqual(["job-failed"]);
        expect(Object.is(errors[0]?.cause, value)).toBe(true);
      }
      const thrown = await progress.run(await createJob(), work, { rethrow: true }).then(
        () => "nothing",
        (error) => [error],
      );
      expect(Array.isArray(thrown) && Object.is(thrown[0], value)).toBe(true);
      await advance(0);
    },
  );
});

/** One value of the table is an object literal with a code and a message: an error that may be shown. */
function isJobError(value: unknown): boolean {
  return ODD_VALUES.some(([name, odd]) => name === "members that are huge" && odd === value);
}
