import { describe, expect, test, vi } from "vitest";
import { memoryStore, type Reporter } from "../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "./context.js";
import { faultyStore } from "./faulty-store.js";

useFakeTime();

const LEASE_MS = 15_000;
const JOBS = 12;

/** A server that sweeps, with workers on 12 jobs. */
async function contextWithWorkers(
  store = faultyStore(),
): Promise<{ readonly context: TestContext; readonly reporters: readonly Reporter[] }> {
  const context = makeContext({ leaseMs: LEASE_MS, sweepIntervalMs: 5_000 }, store);
  const reporters: Reporter[] = [];
  for (let job = 0; job < JOBS; job += 1)
    reporters.push(await context.progress.open(await context.createJob(`job-${job}`)));
  return { context, reporters };
}

/** The process does not run for a while: no timer fires, and the clocks go on. */
function suspend(ms: number, clocks: "both" | "the time of day"): void {
  vi.setSystemTime(Date.now() + ms);
  if (clocks === "both") {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() + ms);
  }
}

async function expectAllRunning({ progress }: TestContext, reporters: readonly Reporter[]) {
  for (const { id, signal } of reporters) {
    expect(signal.aborted).toBe(false);
    expect(await progress.status(id)).toMatchObject({ status: "running", stale: false });
  }
}

describe("a process that was suspended", () => {
  test.each([
    ["stopped for 45 s", 45_000, "both"],
    ["asleep for ten minutes, by the time of day", 600_000, "the time of day"],
    ["told that the time of day is 90 s later", 90_000, "the time of day"],
  ] as const)(
    "given a process that was %s, none of 12 jobs is lost or stale",
    async (_how, ms, clocks) => {
      const { context, reporters } = await contextWithWorkers();
      await advance(7_000);
      suspend(ms, clocks);
      await advance(60_000);
      await expectAllRunning(context, reporters);
      for (const reporter of reporters) await reporter.complete(1);
    },
  );

  // A clock that measures leases as the time of day does, like that of a database.
  test("given a store that counts leases by the time of day, renews all leases before it sweeps", async () => {
    const store = faultyStore(memoryStore({ clock: () => Date.now() }));
    const { context, reporters } = await contextWithWorkers(store);
    await advance(7_000);
    const calls: string[] = [];
    const { write, sweep } = store;
    store.write = (id, change) => {
      calls.push("renewal");
      return write(id, change);
    };
    store.sweep = (...args) => {
      calls.push("sweep");
      return sweep(...args);
    };
    suspend(90_000, "the time of day");
    await advance(LEASE_MS * 0.8 - 1);
    expect(calls.slice(0, JOBS)).toEqual(Array.from({ length: JOBS }, () => "renewal"));
    expect(calls).not.toContain("sweep");
    await advance(LEASE_MS + 5_000);
    expect(calls).toContain("sweep");
    await expectAllRunning(context, reporters);
  });

  test("given a process whose timers are always late, still marks and ends the job of a dead worker", async () => {
    const { progress, store, createJob } = makeContext({
      leaseMs: LEASE_MS,
      sweepIntervalMs: 5_000,
    });
    const id = await createJob();
    // A worker of another process, which dies.
    const opens = { seen: (await store.read(id))?.cursor ?? "", takeOver: false };
    const hold = { token: "dead", count: 1, opens };
    await store.write(id, { set: { status: "running" }, log: [], hold, leaseMs: LEASE_MS });
    for (let turn = 0; turn < 40; turn += 1) {
      suspend(20_000, "the time of day");
      await advance(3_000);
    }
    expect(await progress.status(id)).toMatchObject({ status: "lost" });
  });

  test("given a worker that did not come back, ends its job as lost a lease after the mark", async () => {
    const store = faultyStore();
    const { reporters } = await contextWithWorkers(store);
    const [{ id }] = reporters as [Reporter];
    const dead = makeContext({ leaseMs: LEASE_MS }, store);
    await dead.progress.open(id, { takeOver: true });
    await dead.progress.close();
    await advance(7_000);
    suspend(45_000, "both");
    const statuses: unknown[] = [];
    const { progress } = makeContext({}, store);
    await progress.watch(id, (state) => {
      statuses.push(state?.stale ? "stale" : state?.status);
    });
    await advance(60_000);
    expect(statuses.filter((status, index) => status !== statuses[index - 1])).toEqual([
      "running",
      "stale",
      "lost",
    ]);
  });

  test("given a clock that is set back by an hour, sweeps and renews as before", async () => {
    const { context, reporters } = await contextWithWorkers();
    await advance(7_000);
    const { sweep, write } = context.store.calls;
    suspend(-3_600_000, "the time of day");
    await advance(30_000);
    expect(context.store.calls.sweep).toBeGreaterThanOrEqual(sweep + 5);
    expect(context.store.calls.write).toBeGreaterThanOrEqual(write + 5 * JOBS);
    await expectAllRunning(context, reporters);
  });
});

describe("the sweeps of an idle process", () => {
  test("given nothing to do, back off to one a minute, and return at once on activity", async () => {
    const { store, progress, createJob } = makeContext({ sweepIntervalMs: 5_000 });
    await advance(600_000);
    const idle = store.calls.sweep;
    expect(idle).toBeLessThan(16);
    await advance(600_000);
    expect(store.calls.sweep - idle).toBeGreaterThanOrEqual(9);
    expect(store.calls.sweep - idle).toBeLessThanOrEqual(11);
    const before = store.calls.sweep;
    await createJob();
    await advance(5_000);
    expect(store.calls.sweep).toBe(before + 1);
    const reporter = await progress.open(await createJob());
    const active = store.calls.sweep;
    await advance(60_000);
    expect(store.calls.sweep - active).toBeGreaterThanOrEqual(11);
    await reporter.complete(1);
  });

  test("given sweeps that find something, does not back off", async () => {
    const store = faultyStore();
    const { progress } = makeContext({ sweepIntervalMs: 5_000 }, store);
    // Jobs that another process created: one passes its deadline every 5 s.
    for (let job = 0; job < 24; job += 1)
      await store.create({
        id: `job-${job}`,
        set: { kind: "k", status: "queued", attempt: 1 },
        deadlineMs: (job + 1) * 5_000,
      });
    const before = store.calls.sweep;
    await advance(120_000);
    expect(store.calls.sweep - before).toBeGreaterThanOrEqual(20);
    expect(await progress.status("job-20")).toMatchObject({ status: "timed-out" });
  });

  test("given activity while a sweep is under way, sweeps again at the next interval", async () => {
    const { store, createJob } = makeContext({ sweepIntervalMs: 5_000 });
    await advance(120_000);
    const { sweep } = store.calls;
    const release = store.holdReplies("sweep");
    await advance(60_000);
    expect(store.calls.sweep).toBe(sweep + 1);
    await createJob();
    release();
    await advance(5_000);
    expect(store.calls.sweep).toBe(sweep + 2);
  });
});
