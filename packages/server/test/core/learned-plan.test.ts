import { type Fields, type Json, type PlanStep, planOf } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { durationsOf, learnedPlan, unweightedSteps } from "../../src/core/learned-plan.js";
import { type Expectations, learned } from "../../src/shared/expectations.js";

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
  return learnedPlan(planOf(input), unweightedSteps(input), taught(times));
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
    const odd = { count: 1, variance: 0 };
    for (const mean of [Number.NaN, Number.POSITIVE_INFINITY, 1e6])
      expect(learnedPlan(planOf(["a"]), new Set(["a"]), { a: { ...odd, mean } })).toEqual(
        planOf(["a"]),
      );
    // A clock that was set while a step ran has taught 34 years.
    const years = { a: { ...odd, mean: Math.log(1.1e12) } };
    expect(learnedPlan(planOf(["a"]), new Set(["a"]), years)).toEqual(planOf(["a"]));
    const negative = { a: { count: 1, mean: 5, variance: -9 } };
    expect(learnedPlan(planOf(["a"]), new Set(), negative)).toEqual(planOf(["a"]));
  });
});

describe("durationsOf", () => {
  const fieldsOf = (steps: Fields): Fields => ({
    ...{ status: "completed", startedAt: 1000, finishedAt: 9000 },
    plan: planOf(["a", "b", "c"]) as unknown as Json,
    ...steps,
  });
  const step = (status: string, startedAt: number, finishedAt: number): Json => ({
    ...{ status, percent: null, startedAt, finishedAt },
  });

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
