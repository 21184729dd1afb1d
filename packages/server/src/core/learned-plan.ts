import {
  definedPlan,
  type Fields,
  type PlanInput,
  type PlanStep,
  sharedTimes,
  stateOf,
} from "@emlinh/progress-protocol";
import type { Durations, Expectation, Expectations } from "../shared/expectations.js";

/** The spread of a step that only one job has completed. */
const FIRST_SPREAD = 1.5;
/** The first spread counts as much as the spread among three jobs. */
const FIRST_SPREAD_COUNT = 2;
/** Milliseconds: 30 days. A longer time is that of a clock that was set meanwhile, and not of a step. */
const MAX_TIME_MS = 30 * 86_400_000;
/** Older jobs are forgotten, so a greater count would not make the mean more certain. */
const MAX_COUNT = 20;

/** The times of the completed steps of a completed job, in milliseconds (P71). */
export function durationsOf(fields: Fields): Durations {
  const job = stateOf("", fields, 0);
  const durations: Record<string, number> = {};
  // No step is running, so the times do not depend on when they are looked at.
  for (const [id, ms] of sharedTimes(job, Number.MAX_SAFE_INTEGER).bySteps)
    if (ms > 0 && ms <= MAX_TIME_MS && job.steps[id]?.status === "completed") durations[id] = ms;
  return durations;
}

/** The ids of the steps that were given no weight. */
export function unweightedSteps(plan: readonly PlanInput[]): ReadonlySet<string> {
  const unweighted = definedPlan(plan).filter(({ weight }) => weight === undefined);
  return new Set(unweighted.map(({ id }) => id));
}

/**
 * A plan with the usual times of its steps, and with the weights that follow from them for the steps that were given
 * none. These are in the unit of the given weights, which is taken from the steps that have both. Without a given
 * weight the unit is a millisecond. If no step has both, the weights stay as they are.
 */
export function learnedPlan(
  plan: readonly PlanStep[],
  unweighted: ReadonlySet<string>,
  expectations: Expectations,
): readonly PlanStep[] {
  const informed = plan.map((step) => withExpectation(step, ownOf(expectations, step.id)));
  const weightPerMs = unitOf(informed, unweighted);
  if (weightPerMs === undefined) return informed;
  const weightOf = (ms: number): number => Number((ms * weightPerMs).toPrecision(3));
  const meanMs = mean(informed.flatMap(({ expectedMs = [] }) => expectedMs));
  return informed.map((step) =>
    unweighted.has(step.id) ? { ...step, weight: weightOf(step.expectedMs ?? meanMs) } : step,
  );
}

/** The weight of a millisecond; `undefined` if nothing tells it. */
function unitOf(plan: readonly PlanStep[], unweighted: ReadonlySet<string>): number | undefined {
  const known = plan.filter(({ expectedMs }) => expectedMs !== undefined);
  const weighted = known.filter(({ id }) => !unweighted.has(id));
  if (weighted.length === 0)
    return known.length > 0 && unweighted.size === plan.length ? 1 : undefined;
  const weights = weighted.reduce((sum, { weight }) => sum + weight, 0);
  return weights / weighted.reduce((sum, { expectedMs = 0 }) => sum + expectedMs, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** An id may be the name of an inherited property. */
function ownOf(expectations: Expectations, id: string): Expectation | undefined {
  return Object.hasOwn(expectations, id) ? expectations[id] : undefined;
}

function withExpectation(step: PlanStep, expectation: Expectation | undefined): PlanStep {
  if (expectation === undefined) return step;
  const expectedMs = Math.max(1, Math.round(Math.exp(expectation.mean)));
  const spread = Number(Math.exp(deviationOf(expectation)).toPrecision(3));
  // A store that was written by something else may hold any number.
  const isUsable = expectedMs <= MAX_TIME_MS && spread >= 1 && spread < Infinity;
  return isUsable ? { ...step, expectedMs, spread } : step;
}

/**
 * The deviation to expect of the logarithm of the next duration: that of the earlier ones, mixed with the first spread,
 * and greater while few jobs make the mean uncertain.
 */
function deviationOf({ count, variance }: Expectation): number {
  const jobs = Math.min(count, MAX_COUNT);
  const first = FIRST_SPREAD_COUNT * Math.log(FIRST_SPREAD) ** 2;
  const mixed = (jobs * variance + first) / (jobs - 1 + FIRST_SPREAD_COUNT);
  return Math.sqrt(mixed * (1 + 1 / jobs));
}
