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
  return typeof fields.size === "number" ? withUnitTimes(durations, fields.size) : durations;
}

/**
 * Adds the times per unit of the job's size. Which of the two times tells more about other jobs differs by step, and is
 * known only after some jobs.
 */
export function withUnitTimes(durations: Durations, size: number): Durations {
  const unitTimes = Object.entries(durations)
    .map(([id, ms]) => [perUnit(id), ms / size] as const)
    .filter(([, ms]) => ms > 0 && ms < Infinity);
  return { ...durations, ...Object.fromEntries(unitTimes) };
}

/** The name of a step's time per unit of size. No step id has a slash. */
function perUnit(id: string): string {
  return `${id}/size`;
}

/** The ids of the steps that were given no weight. */
export function unweightedSteps(plan: readonly PlanInput[]): ReadonlySet<string> {
  const unweighted = definedPlan(plan).filter(({ weight }) => weight === undefined);
  return new Set(unweighted.map(({ id }) => id));
}

/** A plan that lacks the usual times. */
export interface UninformedPlan {
  readonly plan: readonly PlanStep[];
  /** The ids of the steps whose weights the app did not give. */
  readonly unweighted: ReadonlySet<string>;
  /** That of the job; `undefined` for a job without a size. */
  readonly size: number | undefined;
}

/**
 * A plan with the usual times of its steps, and with the weights that follow from them for the steps that were given
 * none. These are in the unit of the given weights, which is taken from the steps that have both. Without a given
 * weight the unit is a millisecond. If no step has both, the weights stay as they are.
 */
export function learnedPlan(
  { plan, unweighted, size }: UninformedPlan,
  expectations: Expectations,
): readonly PlanStep[] {
  const informed = plan.map((step) => ({ ...step, ...usualTime(step.id, size, expectations) }));
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

type UsualTime = Pick<PlanStep, "expectedMs" | "spread">;

/** The usual time of a step: that per unit, times the size, unless the time itself varies less. */
function usualTime(id: string, size: number | undefined, known: Expectations): UsualTime {
  const whole = timeOf(ownOf(known, id));
  const scaled = size === undefined ? {} : timeOf(ownOf(known, perUnit(id)), size);
  const { spread: wholeSpread = Infinity } = whole;
  return scaled.spread !== undefined && scaled.spread <= wholeSpread ? scaled : whole;
}

/** Empty without an expectation, and for one that no time has: a store may have been written by something else. */
function timeOf(expectation: Expectation | undefined, units = 1): UsualTime {
  if (expectation === undefined) return {};
  const expectedMs = Math.max(1, Math.round(Math.exp(expectation.mean) * units));
  const spread = Number(Math.exp(deviationOf(expectation)).toPrecision(3));
  const isUsable = expectedMs <= MAX_TIME_MS && spread >= 1 && spread < Infinity;
  return isUsable ? { expectedMs, spread } : {};
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
