import { describe, expect, test } from "vitest";
import type { Reporter } from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { openPlainJob } from "./jobs.js";

useFakeTime();

/** Reports three updates, 10 ms apart. @returns the number of writes that they take within an interval. */
async function writesOfThreeUpdates({ store }: TestContext, reporter: Reporter): Promise<number> {
  const { write } = store.calls;
  for (let percent = 1; percent <= 3; percent += 1) {
    reporter.update({ percent });
    await advance(10);
  }
  return store.calls.write - write;
}

describe("the interval between two writes", () => {
  test("given flush() while a write is under way, the next update waits for it", async () => {
    const context = makeContext({ reportIntervalMs: 100 });
    const reporter = await openPlainJob(context);
    await advance(200);
    const release = context.store.holdReplies("write");
    reporter.update({ message: "under way" });
    await advance(0);
    const flushing = reporter.flush();
    release();
    await flushing;
    expect(await writesOfThreeUpdates(context, reporter)).toBe(0);
    await advance(100);
    expect(reporter.state.percent).toBe(3);
    expect((await context.progress.status(reporter.id))?.percent).toBe(3);
  });

  test("given flush() with nothing to write, the next update waits for it", async () => {
    const context = makeContext({ reportIntervalMs: 100 });
    const reporter = await openPlainJob(context);
    await advance(200);
    reporter.update({ message: "first" });
    await reporter.flush();
    await reporter.flush();
    expect(await writesOfThreeUpdates(context, reporter)).toBe(0);
  });

  test("given a renewal that failed, the updates after the outage wait for it", async () => {
    const context = makeContext({ reportIntervalMs: 1_000, leaseMs: 15_000 });
    const reporter = await openPlainJob(context);
    context.store.fail("write");
    await advance(5_000);
    expect(context.errors).toHaveLength(1);
    context.store.recover();
    // The next renewal succeeds, and ends the outage.
    await advance(200);
    expect(await writesOfThreeUpdates(context, reporter)).toBe(0);
    await advance(1_000);
    expect((await context.progress.status(reporter.id))?.percent).toBe(3);
  });

  test("given a line while a write is under way, sends it at once, and the update after it waits", async () => {
    const context = makeContext({ reportIntervalMs: 100 });
    const reporter = await openPlainJob(context);
    await advance(200);
    const release = context.store.holdReplies("write");
    reporter.update({ message: "under way" });
    await advance(0);
    reporter.log("at once");
    release();
    await advance(0);
    expect((await context.store.read(reporter.id))?.log).toHaveLength(1);
    expect(await writesOfThreeUpdates(context, reporter)).toBe(0);
  });
});
