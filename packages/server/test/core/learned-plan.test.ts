import { type Fields, type Json, type PlanStep, planOf } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { durationsOf, learnedPlan, unweightedSteps } from "../../src/core/learned-plan.js";
import {
  type Expectation,
  type Expectations,
  learned,
  learnSteps,
} from "../../src/shared/expectations.js";

/** The expectations after jobs that took these times. */
function taught(times: Readonly<Record<string, readonly number[]>>): Expectations {
  const entries = Object.entries(times).map(([id, list]) => [
    id,
    list.reduce<ReturnType<typeof learned> | undefined>(learned, undefined),
  ]);
  return Object.fromEntries(entries) as Expectations;
}

/** The plan of a job after such jobs. */
function planAfter(
  input: Parameters<typeof planOf>[0],
  times: Readonly<Record<string, readonly number[]>>,
): readonly PlanStep[] {
  const given = { plan: planOf(input), unweighted: unweightedSteps(input), size: undefined };
  return learnedPlan(given, taught(times));
}

const weights = (plan: readonly PlanStep[]): readonly number[] => plan.map(({ weight }) => weight);

describe("learnedPlan", () => {
  test("given nothing that is known, returns the plan as it is", () => {
    expect(planAfter(["a", "b"], {})).toEqual(planOf(["a", "b"]));
    // The names of inherited properties are unknown too.
    expect(planAfter(["constructor"], {})).toEqual(planOf(["constructor"]));
  });

  test("given steps without weights, these are the expected times", () => {
    const [a, b] = planAfter(["a", "b"], { a: [2000], b: [400, 400] });
    expect(a).toEqual({ id: "a", title: "A", weight: 2000, expectedMs: 2000, spread: 1.77 });
    expect(b).toMatchObject({ weight: 400, expectedMs: 400 });
  });

  test("given weights of some steps, the others get theirs in the same unit", () => {
    const plan = [{ id: "a", weight: 3 }, { id: "b", weight: 1 }, "c", "d"];
    // Four units are 8 seconds.
    const known = { a: [6000], b: [2000], c: [4000] };
    expect(weights(planAfter(plan, known))).toEqual([3, 1, 2, 2]);
  });

  test("given weights of steps about which nothing is known, no unit is known, and no weight changes", () => {
    const plan = planAfter([{ id: "a", weight: 3 }, "b"], { b: [4000] });
    expect(weights(plan)).toEqual([3, 1]);
    expect(plan[1]).toMatchObject({ expectedMs: 4000 });
  });

  test("given a weight of each step, changes none", () => {
    const plan = [
      { id: "a", weight: 5 },
      { id: "b", weight: 1 },
    ];
    expect(weights(planAfter(plan, { a: [10], b: [9000] }))).toEqual([5, 1]);
  });

  test("given a new step, it gets the mean weight of the others", () => {
    expect(weights(planAfter(["a", "b", "new"], { a: [1000], b: [3000] }))).toEqual([
      1000, 3000, 2000,
    ]);
  });

  test("given jobs that took the same time, the spread becomes small, and stays so with jobs that differ", () => {
    const spreadAfter = (times: readonly number[]): number =>
      planAfter(["a"], { a: times })[0]?.spread ?? Number.NaN;
    const same = [1, 2, 5, 50].map((count) => spreadAfter(Array(count).fill(1000)));
    expect(same).toEqual([1.77, 1.5, 1.29, 1.14]);
    const doubled = Array.from({ length: 50 }, (_, index) => (index % 2 ? 1000 : 2000));
    expect(spreadAfter(doubled)).toBeGreaterThan(1.3);
    expect(spreadAfter(doubled)).toBeLessThan(1.6);
  });

  test("given numbers of a store that no time has, leaves the step as it is", () => {
    const given = { plan: planOf(["a"]), unweighted: new Set(["a"]), size: 2 };
    const wrong = [
      // The last one is that of 34 years: a clock was set while a step ran.
      ...[Number.NaN, Number.POSITIVE_INFINITY, 1e6, Math.log(1.1e12)].map((mean) => ({
        mean,
        variance: 0,
      })),
      { mean: 5, variance: -9 },
    ];
    for (const odd of wrong)
      for (const name of ["a", "a/size"])
        expect(learnedPlan(given, { [name]: { ...odd, count: 1 } })).toEqual(planOf(["a"]));
  });
});

const fieldsOf = (steps: Fields): Fields => ({
  ...{ status: "completed", startedAt: 1000, finishedAt: 9000 },
  plan: planOf(["a", "b", "c"]) as unknown as Json,
  ...steps,
});

const step = (status: string, startedAt: number, finishedAt: number): Json => ({
  ...{ status, percent: null, startedAt, finishedAt },
});

describe("learnedPlan of a job with a size", () => {
  /** The expected times of a job of one size, after others. Step a takes 2 s, and step b 100 ms per unit. */
  function timesAfter(sizes: readonly number[], size: number | undefined): readonly unknown[] {
    const known = new Map<string, Expectation>();
    for (const [index, earlier] of sizes.entries()) {
      const [a, b] = [2000 + (index % 3), 100 * earlier + (index % 5)];
      const steps = {
        "steps.a": step("completed", 1000, 1000 + a),
        "steps.b": step("completed", 1000 + a, 1000 + a + b),
      };
      learnSteps(known, durationsOf(fieldsOf({ size: earlier, ...steps })));
    }
    const given = { plan: planOf(["a", "b"]), unweighted: new Set(["a", "b"]), size };
    return learnedPlan(given, Object.fromEntries(known)).map(({ expectedMs }) => expectedMs);
  }

  test("given jobs of many sizes, scales the steps that take longer in larger jobs, and no others", () => {
    const [a, b] = timesAfter([5, 8, 12, 30, 6, 20], 60);
    expect(a).toBeCloseTo(2000, -1);
    expect(b).toBeCloseTo(6000, -2);
  });

  test("given one job or jobs of one size, which tell nothing about that, scales every step", () => {
    expect(timesAfter([10], 30)).toEqual([6000, 3000]);
    const [a, b] = timesAfter(Array(20).fill(10), 30);
    expect(a).toBeCloseTo(6000, -2);
    expect(b).toBeCloseTo(3000, -2);
  });

  test("given sizes that have nothing to do with the times, scales no step", () => {
    const known = taught({ a: [900, 1000, 1100], "a/size": [900, 10, 110] });
    const given = { plan: planOf(["a"]), unweighted: new Set(["a"]), size: 50 };
    expect(learnedPlan(given, known)[0]?.expectedMs).toBe(997);
  });

  test("given a new job without a size, uses the whole times", () => {
    const [a, b] = timesAfter([5, 20], undefined);
    expect(a).toBeCloseTo(2000, -1);
    expect(b).toBeCloseTo(1000, -1);
  });

  test("given earlier jobs without a size, uses their whole times", () => {
    const given = { plan: planOf(["a"]), unweighted: new Set(["a"]), size: 50 };
    expect(learnedPlan(given, taught({ a: [700] }))[0]?.expectedMs).toBe(700);
  });

  test("given no weights, they follow from the times for this size", () => {
    const given = { plan: planOf(["a", "b"]), unweighted: new Set(["a", "b"]), size: 10 };
    const known = taught({ a: [500, 500], "a/size": [50, 5], b: [10, 100], "b/size": [1, 1] });
    expect(weights(learnedPlan(given, known))).toEqual([500, 10]);
  });
});

describe("durationsOf", () => {
  test("given steps one after the other, the times of the completed ones with the waits before them", () => {
    const fields = fieldsOf({
      "steps.a": step("completed", 1500, 3000),
      "steps.b": step("failed", 3000, 4000),
      "steps.c": step("completed", 4200, 9000),
      "steps.z": step("completed", 1000, 2000),
    });
    expect(durationsOf(fields)).toEqual({ a: 2000, c: 5000 });
  });

  test("given steps that ran at once, they share the time", () => {
    const fields = fieldsOf({
      "steps.a": step("completed", 1000, 5000),
      "steps.b": step("completed", 1000, 9000),
    });
    expect(durationsOf(fields)).toEqual({ a: 2000, b: 6000 });
  });

  test("given skipped steps, steps without a time, and those that took no time, leaves them out", () => {
    const fields = fieldsOf({
      "steps.a": { status: "skipped", percent: null, finishedAt: 3000 },
      "steps.b": { status: "completed", percent: 100 },
      "steps.c": step("completed", 1000, 1000),
    });
    expect(durationsOf(fields)).toEqual({});
  });

  test("given the size of the job, has the times per unit as well", () => {
    const fields = fieldsOf({ size: 4, "steps.a": step("completed", 1000, 3000) });
    expect(durationsOf(fields)).toEqual({ a: 2000, "a/size": 500 });
  });

  test("given a size that a store can't have from create, leaves these out", () => {
    for (const size of [0, -1, "many", null, [], 5e-324])
      expect(
        durationsOf(fieldsOf({ size, "steps.a": step("completed", 1000, 3000) })),
        `${size}`,
      ).toEqual({ a: 2000 });
  });

  test("given a clock that was set while a step ran, leaves that step out", () => {
    const [days, years] = [86_400_000 * 29, 1.7e12];
    const fields = fieldsOf({
      "steps.a": step("completed", 1000, days),
      "steps.b": step("completed", days, years),
      "steps.c": step("completed", years, years + 500),
    });
    expect(durationsOf(fields)).toEqual({ a: days - 1000, c: 500 });
  });
});
