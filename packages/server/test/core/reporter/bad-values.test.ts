import { describe, expect, test } from "vitest";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { logOf, openPlainJob, openPlannedJob, stateOf } from "./jobs.js";

useFakeTime();

/** The values that `onError` was told of. */
const told = ({ errors }: TestContext) => errors.map(({ code, message }) => `${code}: ${message}`);

describe("one bad value among good ones", () => {
  test("given a percent of NaN, leaves it out and writes the message, the metadata and the unit", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    reporter.update({ percent: Number.NaN, message: "half", metadata: { frames: 5 } });
    const step = reporter.beginStep("render");
    step.update({ percent: Number.NaN, done: 3, total: 6, unit: "frames", message: "half" });
    await reporter.flush();
    expect(await stateOf(context, reporter)).toMatchObject({
      percent: null,
      message: "half",
      metadata: { frames: 5 },
      steps: { render: { percent: 50, done: 3, total: 6, unit: "frames", message: "half" } },
    });
    expect(told(context)).toEqual([
      expect.stringMatching(/^invalid-change: .*percent is NaN/),
      expect.stringMatching(/^invalid-change: .*Step "render": percent is NaN/),
    ]);
  });

  test("given one bad key of the metadata, writes the other keys", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    const metadata = {
      first: 1,
      date: new Date(0),
      map: new Map(),
      big: "x".repeat(300_000),
      get broken(): number {
        throw new Error("a getter");
      },
      "not a key": 1,
      last: { deep: [1, 2] },
    };
    reporter.update({ metadata: metadata as never, percent: 20 });
    await reporter.flush();
    expect(await stateOf(context, reporter)).toMatchObject({
      metadata: { first: 1, last: { deep: [1, 2] } },
      percent: 20,
    });
    expect(Object.keys(reporter.state.metadata)).toEqual(["first", "last"]);
    expect(told(context)).toEqual([
      expect.stringMatching(/"broken" could not be read/),
      expect.stringMatching(/"metadata.date" is a Date.*toISOString/),
      expect.stringMatching(/"metadata.map" is a Map.*Object.fromEntries/),
      expect.stringMatching(/^too-large: .*"metadata.big"/),
      expect.stringMatching(/no field "metadata.not a key"/),
    ]);
  });

  test.each<[member: string, update: object]>([
    ["done", { done: -1 }],
    ["total", { total: "6" }],
    ["unit", { unit: 5 }],
    ["message", { message: {} }],
    ["percent", { percent: null }],
  ])("given a bad %s of a step, keeps its value and writes the others", async (member, update) => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    const step = reporter.beginStep("render");
    const good = { done: 1, total: 4, unit: "scenes", message: "one", percent: 30 };
    step.update(good);
    step.update({ ...good, done: 2, percent: 60, ...update });
    await reporter.flush();
    const stored = (await stateOf(context, reporter)).steps.render as unknown as typeof good;
    const next = { ...good, done: 2, percent: 60 };
    // Without a percent of its own, it follows from done and total.
    if (member === "percent") next.percent = 50;
    expect(stored).toMatchObject({
      ...next,
      [member]: (member === "percent" ? next : good)[member as "done"],
    });
    expect(told(context)).toEqual([expect.stringContaining(`Step "render": ${member} is`)]);
  });

  test("given bad data or a bad level of a line, writes the line without them", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    const log = reporter.log as (...args: unknown[]) => void;
    log("bad data", { level: "warn", data: { at: new Date(0) } });
    log("bad level", { level: "shout", data: { frame: 1 } });
    log("null", null);
    log("unknown option", { lvel: "warn" });
    await reporter.flush();
    expect((await context.store.read(reporter.id))?.log).toMatchObject([
      { text: "bad data", level: "warn" },
      { text: "bad level", level: "info", data: { frame: 1 } },
      { text: "null", level: "info" },
      { text: "unknown option", level: "info" },
    ]);
    expect(told(context)).toEqual([
      expect.stringMatching(/"log.data.at" is a Date/),
      expect.stringMatching(/level of a line is "shout"/),
      expect.stringMatching(/log has no member "lvel"; did you mean "level"\?/),
    ]);
  });
});

describe("a report that can't mean anything", () => {
  test.each<[report: string, told: RegExp, report: (job: never) => void]>([
    [
      "update(50)",
      /update was called with 50; it must be an object with the members "percent"/,
      (job: U) => job.update(50),
    ],
    [
      "update(new Map())",
      /update was called with a Map; it must be an object/,
      (job: U) => job.update(new Map([["percent", 5]])),
    ],
    [
      "update({ progress: 3 })",
      /update has no member "progress"; known are "percent", "message"/,
      (job: U) => job.update({ progress: 3 }),
    ],
    [
      "update({ persent: 3 })",
      /update has no member "persent"; did you mean "percent"\?/,
      (job: U) => job.update({ persent: 3 }),
    ],
    [
      "update({ message: 5 })",
      /message is 5; it must be a string or null/,
      (job: U) => job.update({ message: 5 }),
    ],
    [
      "update({ metadata: [1] })",
      /metadata is an Array; it must be an object/,
      (job: U) => job.update({ metadata: [1] }),
    ],
    [
      "log({ a: 1 })",
      /log was called with an object as its text.*the value as the option data/,
      (job: U) => job.log({ a: 1 }),
    ],
    ["log()", /log was called with undefined as its text/, (job: U) => job.log()],
    [
      "log(error)",
      /log was called with an Error as its text.*message if readers may see it/,
      (job: U) => job.log(new Error("x")),
    ],
    [
      "beginStep('rendr')",
      /plan has no step "rendr".*does not count.*Add it to the plan/,
      (job: U) => job.beginStep("rendr"),
    ],
    ["skip('rendr')", /plan has no step "rendr"/, (job: U) => job.skip("rendr")],
    [
      "beginStep('a b')",
      /The id of a step is "a b"; it must be 1 to 64/,
      (job: U) => job.beginStep("a b"),
    ],
    [
      "step.update(50)",
      /Step "render": update was called with 50/,
      (job: U) => job.beginStep("render").update(50),
    ],
    [
      "step.update({ progress: 3 })",
      /Step "render": update has no member "progress"/,
      (job: U) => job.beginStep("render").update({ progress: 3 }),
    ],
  ])("given %s, onError is told once, with a remedy", async (_name, message, report) => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    for (let time = 0; time < 3; time += 1) report(reporter as never);
    expect(context.errors).toMatchObject([
      {
        code: "invalid-change",
        message: expect.stringMatching(message),
        details: { jobId: reporter.id },
      },
    ]);
    expect(context.errors[0]?.message).toContain(`Job "${reporter.id}"`);
    await advance(200);
    expect(await logOf(context, reporter)).toEqual([]);
    await reporter.complete(null);
  });

  test("given values of many kinds, remembers a bounded number of them", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    for (let key = 0; key < 1_000; key += 1)
      reporter.update({
        metadata: { [`${"k".repeat(5_000)} ${key}`]: 1, [`key${key}`]: new Date() as never },
      });
    expect(context.errors.length).toBe(100);
  });

  test.each<[string, unknown, RegExp]>([
    ["a Map", new Map([["a", 1]]), /"result" is a Map.*Object.fromEntries/],
    ["a Date", { at: new Date(0) }, /"result.at" is a Date.*toISOString/],
    ["NaN", [1, Number.NaN], /"result.1" is NaN/],
  ])(
    "given %s as the result, complete rejects with a remedy and the job stays open",
    async (_name, result, message) => {
      const context = makeContext();
      const reporter = await openPlainJob(context);
      await expect(reporter.complete(result as never)).rejects.toMatchObject({
        code: "invalid-change",
        message: expect.stringMatching(message),
      });
      expect(await stateOf(context, reporter)).toMatchObject({ status: "running" });
      await reporter.complete("plain");
    },
  );
});

/** A reporter as untyped code sees it. */
interface U {
  update(...args: unknown[]): void;
  log(...args: unknown[]): void;
  skip(...args: unknown[]): void;
  beginStep(...args: unknown[]): U;
}
