import { describe, expect, test, vi } from "vitest";
import { allowAnyone, createProgress, memoryStore, type ProgressOptions } from "../../src/index.js";
import { advance, makeContext, useFakeTime } from "./context.js";

useFakeTime();

const REQUIRED = { store: memoryStore(), authorize: allowAnyone };

describe("options", () => {
  test.each<Record<string, unknown>>([
    { store: undefined },
    { store: {} },
    { authorize: undefined },
    { authorize: true },
    { onError: "log" },
    { clock: 5 },
    { random: 5 },
    { heartbeatMs: 0 },
    { heartbeatMs: Number.NaN },
    { heartbeatMs: "30" },
    { heartbeatMs: false },
    { heartbeatMs: 2 ** 31 },
    { heartbeatMs: 60_000, idleTimeoutMs: 60_000 },
    { idleTimeoutMs: -1 },
    { maxAgeMs: 0 },
    { stallMs: Number.POSITIVE_INFINITY },
    { rereadMs: -5 },
    { retryMs: 0 },
    { maxWaitMs: 0 },
    { maxStreams: 0 },
    { maxStreams: 1.5 },
    { maxStreamsPerJob: -1 },
    { leaseMs: 0 },
    { leaseMs: 200, reportIntervalMs: 100 },
    { sweepIntervalMs: 0 },
    { sweepLimit: 0 },
    { reportIntervalMs: 0 },
    { maxDeliveryMs: 0 },
  ])("given %o, refuses them, naming the option and its value", (wrong) => {
    const options = { ...REQUIRED, ...wrong } as unknown as ProgressOptions;
    const [[name, value]] = Object.entries(wrong) as [[string, unknown]];
    const isPair = Object.keys(wrong).length > 1;
    expect(() => createProgress(options)).toThrow(
      expect.objectContaining({
        code: "invalid-option",
        message: isPair
          ? expect.stringMatching(/which is \d+/)
          : expect.stringContaining(`${name} is ${String(value)}`),
      }),
    );
  });

  test("given undefined, takes the defaults; the caller's object stays as it was", async () => {
    const options = Object.freeze({ ...REQUIRED, heartbeatMs: undefined, onError: undefined });
    await createProgress(options).close();
    expect(Object.keys(options)).toHaveLength(4);
  });

  test("given an onError that throws, goes on", async () => {
    const { progress, createJob, store } = makeContext({
      onError: () => {
        throw new Error("the logger is down too");
      },
    });
    const id = await createJob();
    store.fail("read");
    await expect(progress.status(id)).rejects.toMatchObject({ code: "store-unavailable" });
  });
});

describe("the sweep", () => {
  test("given no other order, runs at least each third of a lease", async () => {
    const { store } = makeContext({ leaseMs: 9_000, sweepIntervalMs: 60_000 });
    await advance(30_000);
    expect(store.calls.sweep).toBeGreaterThanOrEqual(10);
  });

  test("given more to do than the limit, goes on at once", async () => {
    const { store, setFields, createJob } = makeContext({ sweepIntervalMs: 5_000, sweepLimit: 2 });
    for (let by = 0; by < 7; by += 1) await setFields(await createJob(), { status: "completed" });
    const before = store.calls.sweep;
    await advance(4 * 3_600_000);
    expect(store.calls.sweep).toBeGreaterThan(before + 3);
    await expect(store.sweep(Date.now(), 10)).resolves.toMatchObject({ expired: 0 });
  });

  test("given a store that fails or hangs, tells onError and sweeps again", async () => {
    const { store, errors } = makeContext({ sweepIntervalMs: 1_000 });
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
  });

  test("given close(), stops; given false, never begins", async () => {
    const [one, other] = [makeContext({ sweepIntervalMs: 1_000 }), makeContext()];
    await one.progress.close();
    const { sweep } = one.store.calls;
    await advance(60_000);
    expect(one.store.calls.sweep).toBe(sweep);
    expect(other.store.calls.sweep).toBe(0);
  });
});

test("given close(), no timer is left", async () => {
  const { progress, createJob } = makeContext({ sweepIntervalMs: 1_000 });
  const reporter = await progress.open(await createJob());
  reporter.update({ message: "m" });
  await progress.close();
  expect(vi.getTimerCount()).toBe(0);
});

test("given the end of every job and the leaving of every reader, only the sweep's timer is left", async () => {
  const { progress, createJob } = makeContext({ sweepIntervalMs: 5_000 });
  await progress.run(await createJob(), async (reporter) => reporter.update({ message: "m" }));
  await advance(1_000);
  expect(vi.getTimerCount()).toBe(1);
});
