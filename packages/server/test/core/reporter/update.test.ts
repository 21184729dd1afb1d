import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { logOf, openPlainJob, openPlannedJob, stateOf } from "./jobs.js";

useFakeTime();

describe("update and log", () => {
  test("given many updates, writes the first at once and the others once per interval", async () => {
    const context = makeContext({ reportIntervalMs: 100 });
    const reporter = await openPlainJob(context);
    await advance(200);
    const before = context.store.calls.write;
    for (let percent = 1; percent <= 50; percent += 1)
      reporter.update({ percent, message: `${percent}` });
    await advance(0);
    expect(context.store.calls.write).toBe(before + 1);
    expect((await stateOf(context, reporter)).percent).toBe(1);
    await advance(100);
    expect(context.store.calls.write).toBe(before + 2);
    expect(await stateOf(context, reporter)).toMatchObject({ percent: 50, message: "50" });
    await advance(1_000);
    expect(context.store.calls.write).toBe(before + 2);
  });

  test("given a lower percent, keeps the higher one", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    for (const percent of [40, 20, 60.57, 200]) reporter.update({ percent });
    expect(reporter.state.percent).toBe(99);
    await reporter.flush();
    expect((await context.store.read(reporter.id))?.set.percent).toBe(100);
  });

  test("given a log line, writes it at once, together with pending updates", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    reporter.update({ message: "first" });
    reporter.update({ message: "second" });
    reporter.log("line", { level: "warn", data: { frame: 1 } });
    await advance(0);
    const delta = await context.store.read(reporter.id);
    expect(delta?.set.message).toBe("second");
    expect(delta?.log).toMatchObject([{ n: 1, level: "warn", text: "line", data: { frame: 1 } }]);
  });

  test("given values that cannot be stored, calls onError, does not throw, and writes the valid ones", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    const wrong = reporter as unknown as {
      update(value: unknown): void;
      log(...args: unknown[]): void;
    };
    wrong.update({ percent: Number.NaN });
    wrong.update({ percent: "50" });
    wrong.update({ metadata: { "not a key": 1 } });
    wrong.update({ metadata: { size: 10n } });
    wrong.update({ metadata: { big: "x".repeat(300_000) } });
    wrong.log("text", { level: "shout" });
    wrong.update({
      get metadata() {
        throw new Error("a getter that throws");
      },
    });
    for (const nothing of [undefined, null]) {
      wrong.update(nothing);
      (reporter.beginStep("s") as unknown as typeof wrong).update(nothing);
    }
    reporter.update({ metadata: { good: 1 } });
    await reporter.flush();
    // Each kind is reported once.
    expect(context.errors.map(({ code, message }) => [code, message.split(";")[0]])).toEqual([
      ["invalid-change", expect.stringContaining("percent is NaN")],
      ["invalid-change", expect.stringContaining('no field "metadata.not a key"')],
      ["invalid-change", expect.stringContaining('"metadata.size" is of the type bigint')],
      ["too-large", expect.stringContaining('"metadata.big"')],
      ["invalid-change", expect.stringContaining('level of a line is "shout"')],
      ["invalid-change", expect.stringContaining("metadata could not be read")],
      ["invalid-change", expect.stringContaining("update was called with undefined")],
      ["invalid-change", expect.stringContaining("update was called with undefined")],
    ]);
    expect(await stateOf(context, reporter)).toMatchObject({
      metadata: { good: 1 },
      percent: null,
    });
  });

  test("given a percent for a job with a plan, calls onError with a reason that names the plan", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    reporter.update({ percent: 50 });
    expect(context.errors[0]?.message).toContain("plan");
    expect(reporter.state.percent).toBe(0);
  });

  test("given a value that the caller changes later, writes the value at the time of the call", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    await advance(200);
    const list = [1];
    reporter.update({ message: "leading" });
    reporter.update({ metadata: { list } });
    list.push(2);
    await reporter.flush();
    expect((await stateOf(context, reporter)).metadata).toEqual({ list: [1] });
  });

  test("given null, removes a metadata key or the message; given undefined, keeps it", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    reporter.update({ message: "m", metadata: { a: 1, b: 2 } });
    reporter.update({ message: undefined, metadata: { a: null, b: undefined } });
    expect(reporter.state).toMatchObject({ message: "m", metadata: { b: 2 } });
    reporter.update({ message: null });
    await reporter.flush();
    expect(await stateOf(context, reporter)).toMatchObject({ message: null, metadata: { b: 2 } });
  });

  test("given a text that is too long, cuts it without splitting a character", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    reporter.log(`${"a".repeat(4094)}😀 and more`);
    await reporter.flush();
    const [text] = (await logOf(context, reporter)) ?? [];
    expect(text).toBe(`${"a".repeat(4094)}…`);
  });
});
