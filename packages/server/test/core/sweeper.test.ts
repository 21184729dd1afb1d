import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "./context.js";

useFakeTime();

describe("the sweep", () => {
  test("given a longer sweepIntervalMs, runs after each third of a lease", async () => {
    const { store, progress, createJob } = makeContext({ leaseMs: 9_000, sweepIntervalMs: 60_000 });
    await progress.open(await createJob());
    await advance(30_000);
    expect(store.calls.sweep).toBeGreaterThanOrEqual(10);
  });

  test("given more due jobs than sweepLimit, continues at once", async () => {
    const { store, setFields, createJob } = makeContext({ sweepIntervalMs: 5_000, sweepLimit: 2 });
    for (let i = 0; i < 7; i += 1) await setFields(await createJob(), { status: "completed" });
    const before = store.calls.sweep;
    await advance(4 * 3_600_000);
    expect(store.calls.sweep).toBeGreaterThan(before + 3);
    await expect(store.sweep(Date.now(), 10)).resolves.toMatchObject({ expired: 0 });
  });

  test("given a store that fails or does not answer, calls onError and sweeps again", async () => {
    const { store, errors, progress, createJob } = makeContext({ sweepIntervalMs: 1_000 });
    // A worker that reports, since the sweeps of an idle process are rare.
    const reporter = await progress.open(await createJob());
    const reporting = setInterval(() => reporter.update({ message: `${Date.now()}` }), 500);
    store.fail("sweep");
    await advance(3_000);
    store.recover();
    expect(errors.length).toBeGreaterThan(1);
    const release = store.hold("sweep");
    await advance(20_000);
    release();
    const { sweep } = store.calls;
    await advance(2_000);
    expect(store.calls.sweep).toBeGreaterThan(sweep);
    clearInterval(reporting);
  });

  test("given close(), stops; given false, does not start", async () => {
    const [one, other] = [makeContext({ sweepIntervalMs: 1_000 }), makeContext()];
    await one.progress.close();
    const { sweep } = one.store.calls;
    await advance(60_000);
    expect(one.store.calls.sweep).toBe(sweep);
    expect(other.store.calls.sweep).toBe(0);
  });
});
