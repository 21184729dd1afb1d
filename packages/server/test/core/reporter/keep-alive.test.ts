import { afterEach, describe, expect, test, vi } from "vitest";
import type { Reporter } from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { openPlainJob } from "./jobs.js";

useFakeTime();
afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts the timers that keep the process alive: those that were started, not unref'd and not cleared. */
function timersThatKeepTheProcess(): () => number {
  const alive = new Set<object>();
  for (const name of ["setTimeout", "setInterval"] as const) {
    const start = globalThis[name] as (task: () => void, ms?: number) => NodeJS.Timeout;
    vi.spyOn(globalThis, name).mockImplementation(((task: () => void, ms?: number) => {
      const timer = start(() => {
        if (name === "setTimeout") alive.delete(timer);
        task();
      }, ms);
      alive.add(timer);
      const unref = timer.unref.bind(timer);
      timer.unref = () => {
        alive.delete(timer);
        return unref();
      };
      return timer;
    }) as never);
  }
  for (const name of ["clearTimeout", "clearInterval"] as const) {
    const clear = globalThis[name];
    vi.spyOn(globalThis, name).mockImplementation((timer) => {
      alive.delete(timer as object);
      clear(timer);
    });
  }
  return () => alive.size;
}

async function brokenContext(): Promise<{ context: TestContext; reporter: Reporter }> {
  const context = makeContext({ maxDeliveryMs: 20_000 });
  const reporter = await openPlainJob(context);
  await advance(200);
  context.store.fail("write");
  return { context, reporter };
}

describe("a store that is away", () => {
  test.each<[string, (job: Reporter) => Promise<unknown>]>([
    ["complete()", (job) => job.complete(1)],
    ["fail()", (job) => job.fail({ code: "c", message: "m" })],
    ["requeue()", (job) => job.requeue()],
    ["flush()", (job) => job.flush()],
  ])(
    "given a caller that waits for %s, keeps the process until the delivery",
    async (name, call) => {
      const keeping = timersThatKeepTheProcess();
      const { context, reporter } = await brokenContext();
      if (name === "flush()") reporter.log("line");
      const delivery = call(reporter);
      await advance(1_000);
      for (let second = 0; second < 10; second += 1) {
        expect(keeping()).toBeGreaterThan(0);
        await advance(1_000);
      }
      context.store.recover();
      await advance(6_000);
      await delivery;
      expect(keeping()).toBe(0);
    },
  );

  test("given run(), keeps the process until the end is delivered", async () => {
    const keeping = timersThatKeepTheProcess();
    const context = makeContext();
    const running = context.progress.run(await context.createJob(), () => {
      context.store.fail("write");
      return 1;
    });
    await advance(10_000);
    expect(keeping()).toBeGreaterThan(0);
    context.store.recover();
    await advance(6_000);
    expect(await running).toMatchObject({ status: "completed" });
    expect(keeping()).toBe(0);
  });

  test("given a delivery that is given up, lets the process exit", async () => {
    const keeping = timersThatKeepTheProcess();
    const { reporter } = await brokenContext();
    const ending = expect(reporter.complete(1)).rejects.toMatchObject({
      code: "store-unavailable",
    });
    await advance(20_000);
    await ending;
    expect(keeping()).toBe(0);
  });

  test("given nobody who waits, lets the process exit", async () => {
    const keeping = timersThatKeepTheProcess();
    const { reporter } = await brokenContext();
    reporter.log("line");
    reporter.update({ message: "m" });
    await advance(3_000);
    expect(keeping()).toBe(0);
  });
});
