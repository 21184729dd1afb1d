import { describe, expect, test } from "vitest";
import { memoryStore } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { faultyStore } from "../faulty-store.js";
import { flushAcrossBackoff, logOf, openPlainJob, openPlannedJob, stateOf } from "./jobs.js";

useFakeTime();

describe("a store that fails", () => {
  test("given an outage, lets the work continue, then writes everything in order, each line once", async () => {
    const context = makeContext();
    const reporter = await openPlannedJob(context);
    context.store.fail("write");
    reporter.log("one");
    const step = reporter.beginStep("speech");
    for (let done = 1; done <= 10; done += 1) {
      step.update({ done, total: 10 });
      reporter.log(`line ${done}`);
      await advance(500);
    }
    step.complete();
    context.store.recover();
    await flushAcrossBackoff(reporter);
    expect(await logOf(context, reporter)).toEqual([
      "one",
      ...Array.from({ length: 10 }, (_, i) => `line ${i + 1}`),
    ]);
    expect((await stateOf(context, reporter)).steps.speech).toMatchObject({
      status: "completed",
      done: 10,
    });
    expect(context.errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test("given writes without a reply, writes each line once", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    context.store.loseReplies("write");
    reporter.log("same");
    reporter.log("same");
    await advance(50);
    context.store.recover();
    reporter.log("other");
    await flushAcrossBackoff(reporter);
    expect(await logOf(context, reporter)).toEqual(["same", "same", "other"]);
  });

  test("given an end without a reply, finds that it is stored", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    await advance(200);
    context.store.loseReplies("write");
    const ending = reporter.complete(5);
    await advance(50);
    context.store.recover();
    await advance(5_000);
    expect(await ending).toMatchObject({ status: "completed", result: 5 });
  });

  test("given an end during an outage, delivers it after the outage", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    context.store.fail("write");
    const ending = reporter.complete(5);
    await advance(30_000);
    context.store.recover();
    await advance(6_000);
    expect(await ending).toMatchObject({ status: "completed" });
    expect((await stateOf(context, reporter)).status).toBe("completed");
  });

  test("given an outage longer than maxDeliveryMs, rejects the end with the reason", async () => {
    const context = makeContext({ maxDeliveryMs: 20_000 });
    const reporter = await openPlainJob(context);
    context.store.fail("write");
    const ending = expect(reporter.complete(5)).rejects.toMatchObject({
      code: "store-unavailable",
      cause: { code: "store-unavailable" },
    });
    await advance(21_000);
    await ending;
    expect(context.progress.metrics().reporters).toBe(0);
    const { write } = context.store.calls;
    await advance(60_000);
    expect(context.store.calls.write).toBe(write);
  });

  test("given writes that do not return, gives each up after a time limit and retries", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    const release = context.store.hold("write");
    reporter.log("held");
    await advance(11_000);
    release();
    await advance(6_000);
    // The first call continued when it was released. So the line is stored once or twice, but it is never lost.
    expect(await logOf(context, reporter)).toContain("held");
  });

  test("given more lines than the store keeps, keeps the newest and notes how many it dropped", async () => {
    const store = faultyStore(memoryStore({ maxLogLines: 10 }));
    const context = makeContext({}, store);
    const reporter = await openPlainJob(context);
    store.fail("write");
    for (let line = 1; line <= 30; line += 1) {
      reporter.log(`line ${line}`);
      await advance(100);
    }
    store.recover();
    await flushAcrossBackoff(reporter);
    const log = await logOf(context, reporter);
    expect(log).toHaveLength(10);
    expect(log?.slice(1)).toEqual(Array.from({ length: 9 }, (_, i) => `line ${i + 22}`));
    expect((await store.read(reporter.id))?.log.at(-1)?.n).toBeGreaterThan(10);
  });

  test("given large values during a long outage, keeps only the newest value of each field", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    context.store.fail("write");
    const big = (n: number) => `${n}${"x".repeat(100_000)}`;
    for (let n = 0; n < 50; n += 1) {
      reporter.update({ metadata: { big: big(n), [`other${n % 2}`]: big(n) } });
      await advance(200);
    }
    const before = context.store.calls.write;
    context.store.recover();
    await flushAcrossBackoff(reporter);
    expect(context.store.calls.write - before).toBeLessThanOrEqual(4);
    expect((await stateOf(context, reporter)).metadata.big).toBe(big(49));
  });
});
