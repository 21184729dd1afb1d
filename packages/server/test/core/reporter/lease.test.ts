import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { logOf, openPlainJob, stateOf } from "./jobs.js";

useFakeTime();

describe("the lease", () => {
  test("given work without reports, is renewed after each third of its length, without a version", async () => {
    const context = makeContext({ leaseMs: 15_000 });
    const reporter = await openPlainJob(context);
    const { cursor } = await stateOf(context, reporter);
    const before = context.store.calls.write;
    await advance(60_000);
    expect(context.store.calls.write - before).toBe(12);
    expect((await stateOf(context, reporter)).cursor).toBe(cursor);
    await context.store.sweep(Date.now(), 10);
    expect(await stateOf(context, reporter)).toMatchObject({ status: "running", stale: false });
  });

  test("given a worker that writes often, is renewed by these writes only", async () => {
    const context = makeContext({ leaseMs: 15_000 });
    const reporter = await openPlainJob(context);
    const before = context.store.calls.write;
    for (let second = 0; second < 20; second += 1) {
      reporter.update({ message: `${second}` });
      await advance(1_000);
    }
    expect(context.store.calls.write - before).toBe(20);
  });

  test("given a worker that stops, runs out: the job becomes stale, then lost", async () => {
    const context = makeContext({ leaseMs: 15_000 });
    const reporter = await openPlainJob(context);
    await context.progress.close();
    expect(reporter.signal.reason).toMatchObject({ code: "closed" });
    await context.store.sweep(Date.now() + 16_000, 10);
    expect(await context.store.read(reporter.id)).toMatchObject({ set: { stale: true } });
    await context.store.sweep(Date.now() + 31_000, 10);
    expect(await context.store.read(reporter.id)).toMatchObject({ set: { status: "lost" } });
  });

  test("given close(), is given up, and another worker can open the job", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    reporter.log("so far");
    await reporter.close();
    await reporter.close();
    await context.store.sweep(Date.now() + 600_000, 10);
    expect(await stateOf(context, reporter)).toMatchObject({ status: "running", stale: false });
    expect(await logOf(context, reporter)).toEqual(["so far"]);
    expect(reporter.signal.reason).toMatchObject({ code: "closed" });
    await expect(reporter.complete(1)).rejects.toMatchObject({ code: "closed" });
    await (await context.progress.open(reporter.id)).complete(1);
  });

  test("given a store that fails, close() tries one write and resolves", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    await advance(200);
    context.store.fail("write");
    reporter.log("last line");
    let closed = false;
    const closing = reporter.close().then(() => {
      closed = true;
    });
    await advance(100);
    expect(closed).toBe(true);
    await closing;
    const { write } = context.store.calls;
    await advance(60_000);
    expect(context.store.calls.write).toBe(write);
  });

  test("given `await using`, is given up at the end of the block", async () => {
    const context = makeContext();
    const { id } = await context.progress.create({ kind: "k" });
    {
      await using reporter = await context.progress.open(id);
      reporter.log("inside");
    }
    expect(context.progress.metrics().reporters).toBe(0);
    expect((await stateOf(context, { id })).status).toBe("running");
  });
});
