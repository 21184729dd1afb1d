import {
  type EtaFacts,
  etaOf,
  type PlanStep,
  type StepState,
  sharedTimes,
} from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const IDS = ["a", "b", "c"];

const ms = fc.oneof(fc.nat(200_000), fc.double({ min: 1, max: 1e308, noNaN: true }));
const factor = fc.oneof(fc.constant(1), fc.double({ min: 1, max: 1e308, noNaN: true }));
const plan: fc.Arbitrary<readonly PlanStep[]> = fc.tuple(
  ...[...IDS, "constructor"].map((id) =>
    fc.record(
      {
        id: fc.constant(id),
        title: fc.constant(id),
        weight: fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
        expectedMs: ms.map((value) => Math.max(1, value)),
        spread: factor,
      },
      { requiredKeys: ["id", "title", "weight"] },
    ),
  ),
);
const time = fc.integer({ min: -5000, max: 100_000 });
const step: fc.Arbitrary<StepState> = fc.record(
  {
    status: fc.constantFrom("running", "completed", "failed", "skipped"),
    percent: fc.option(fc.double({ min: -10, max: 1000, noNaN: true })),
    startedAt: time,
    finishedAt: time,
  },
  { requiredKeys: ["status", "percent"] },
);
const job: fc.Arbitrary<EtaFacts> = fc.record({
  status: fc.constantFrom("queued", "running", "completed"),
  stale: fc.boolean(),
  percent: fc.option(fc.double({ min: 0, max: 99, noNaN: true })),
  plan,
  steps: fc.dictionary(fc.constantFrom(...IDS, "z"), step),
  startedAt: fc.option(time),
  updatedAt: time,
});

describe("etaOf", () => {
  test("given any plan, times and percents, is null or whole milliseconds above 0", () => {
    fc.assert(
      fc.property(job, fc.integer(), (job, now) => {
        const etaMs = etaOf(job, now);
        if (etaMs === null) return;
        expect(Number.isSafeInteger(etaMs)).toBe(true);
        expect(etaMs).toBeGreaterThan(0);
        expect(job).toMatchObject({ status: "running", stale: false });
      }),
      { numRuns: 2000 },
    );
  });

  /** A running job of three steps that usually take 2, 10 and 3 seconds. */
  function running(steps: EtaFacts["steps"], updatedAt: number, spread = 1.5): EtaFacts {
    const times = [2000, 10_000, 3000];
    const usual = IDS.map((id, index) => ({
      id,
      title: id,
      weight: 1,
      expectedMs: times[index] ?? 1,
      spread,
    }));
    const facts = { status: "running", stale: false, percent: 0, startedAt: 0 } as const;
    return { ...facts, plan: usual, steps, updatedAt };
  }

  const completed = (startedAt: number, finishedAt: number): StepState => ({
    ...{ status: "completed", percent: 100, startedAt, finishedAt },
  });

  test("given no update, counts down by at most the time that passes, until it is null", () => {
    const steps = {
      a: completed(0, 2000),
      b: { status: "running", percent: null, startedAt: 2000 },
    } as const;
    const job = running(steps, 2000);
    let last = etaOf(job, 2000) ?? 0;
    expect(last).toBe(13_000);
    for (let now = 2100; now < 40_000; now += 100) {
      const etaMs = etaOf(job, now);
      if (etaMs === null) {
        expect(now - 2000).toBeGreaterThan(10_000 * 1.5 ** 3);
        return;
      }
      expect(etaMs).toBeGreaterThanOrEqual(last - 101);
      // Beyond its usual time the step lets the estimate rest, and in the end rise a little.
      if (now < 12_000) expect(etaMs).toBeLessThan(last);
      last = etaMs;
    }
    expect.unreachable("the estimate never became null");
  });

  test("given a run that takes exactly the usual times, is right throughout, with and without percents", () => {
    const endsAt = 15_000;
    for (const hasPercent of [true, false])
      for (let now = 0; now < endsAt; now += 500) {
        const b = {
          status: "running",
          percent: hasPercent ? (now - 2000) / 100 : null,
          startedAt: 2000,
        } as const;
        const a = { status: "running", percent: null, startedAt: 0 } as const;
        const c = { status: "running", percent: null, startedAt: 12_000 } as const;
        const done = { a: completed(0, 2000), b: completed(2000, 12_000) };
        const steps = now < 2000 ? { a } : now < 12_000 ? { a: done.a, b } : { ...done, c };
        const etaMs = etaOf(running(steps, now, 1.1), now) ?? 0;
        expect(Math.abs(etaMs - (endsAt - now)), `at ${now}`).toBeLessThan(800);
      }
  });

  test("given a machine that is three times as slow, follows the percent of the running step", () => {
    const steps = {
      a: completed(0, 6000),
      b: { status: "running", percent: 50, startedAt: 6000 },
    } as const;
    const etaMs = etaOf(running(steps, 21_000, 1.1), 21_000) ?? 0;
    // 15 s of the step, and 9 s of the last one.
    expect(etaMs).toBeGreaterThan(18_000);
    expect(etaMs).toBeLessThan(25_000);
  });
});

describe("sharedTimes", () => {
  const total = (times: Iterable<number>): number => [...times].reduce((sum, one) => sum + one, 0);

  test("given any steps, the times are from 0, and add up to the time that has passed", () => {
    const steps = fc.dictionary(fc.constantFrom(...IDS), step);
    fc.assert(
      fc.property(steps, fc.nat(100_000), (steps, until) => {
        const usual = IDS.map((id) => ({ id, title: id, weight: 1 }));
        const { bySteps, idleMs } = sharedTimes({ plan: usual, steps, startedAt: 0 }, until);
        for (const time of [idleMs, ...bySteps.values()])
          expect(time).toBeGreaterThanOrEqual(-1e-6);
        const sum = total([idleMs, ...bySteps.values()]);
        expect(sum).toBeCloseTo(until, 3);
      }),
    );
  });

  test("given 500 steps that all run at once, the time does not grow with their square", () => {
    const usual = Array.from({ length: 500 }, (_, index) => ({
      ...{ id: `s${index}`, title: "", weight: 1, expectedMs: 1000, spread: 2 },
    }));
    const steps = Object.fromEntries(
      usual.map(({ id }, index) => [
        id,
        { status: "running", percent: index / 5, startedAt: index } as const,
      ]),
    );
    const job = {
      status: "running",
      stale: false,
      percent: 50,
      startedAt: 0,
      updatedAt: 1000,
    } as const;
    const begunAt = performance.now();
    for (let round = 0; round < 10; round += 1) etaOf({ ...job, plan: usual, steps }, 1000 + round);
    // It takes some 50 ms.
    expect(performance.now() - begunAt).toBeLessThan(1_000);
  });
});
