import { numberOr0 } from "./json.js";
import { begunState, sharedTimes } from "./shared-times.js";
import type { JobFacts, JobStatus, PlanStep, StepState } from "./state.js";

/** The members of a job that its ETA is derived from. */
export type EtaFacts = Pick<
  JobFacts,
  "percent" | "plan" | "steps" | "startedAt" | "updatedAt" | "stale"
> & { readonly status: JobStatus };

/**
 * Estimates how long a job still takes: from the expected times in its plan, corrected by the pace of this run or,
 * without expected times, from its percent. Pure: the same job and the same `now` give the same estimate everywhere.
 *
 * @param now - The store's time, in milliseconds since the epoch.
 * @returns whole milliseconds above 0, or `null` without an estimate.
 * @see docs/PROTOCOL.md, P14 and P70–P74
 */
export function etaOf(job: EtaFacts, now: number): number | null {
  const { status, stale, startedAt, plan } = job;
  if (status !== "running" || stale || startedAt === null) return null;
  const hasExpectations = plan.some(({ expectedMs }) => expectedMs !== undefined);
  const left = hasExpectations ? expectedLeft(job, now) : proportionalLeft(job, startedAt, now);
  const leftMs = Math.round(left);
  return leftMs > 0 && leftMs <= Number.MAX_SAFE_INTEGER ? leftMs : null;
}

/**
 * As if the rest went on at the mean rate so far. `NaN` while that is unknown. A clock that was set back makes no
 * estimate longer.
 */
function proportionalLeft(
  { percent, updatedAt }: EtaFacts,
  startedAt: number,
  now: number,
): number {
  const elapsedMs = updatedAt - startedAt;
  if (percent === null || percent < 3 || elapsedMs < 1000) return Number.NaN;
  return (elapsedMs * (100 - percent)) / percent - Math.max(0, now - updatedAt);
}

/** The spread of a step that has none. */
const DEFAULT_SPREAD = 2;
/** The least deviation. Nothing takes exactly as long as before. */
const MIN_DEVIATION = 0.15;
/** A step this many deviations beyond its time has left the usual spread. */
const MAX_DEVIATIONS = 3;
/** One step that is far from its time says little about the others: it may have been cached, or hung. */
const MAX_DIFFERENCE = 1.5;

/** So many steps that took their usual time are counted among those that were observed. */
const USUAL_STEPS = 2;

/** A duration of which the logarithm is known up to a standard deviation. */
interface Estimate {
  readonly ms: number;
  readonly deviation: number;
}

/** The duration of a step, as this run shows it. */
interface Observation {
  readonly ms: number;
  /** The variance of its logarithm: 0 for a step that is completed. */
  readonly variance: number;
}

/** The sum of what is left of the steps, in shared time. `NaN` outside the usual spread. */
function expectedLeft(job: EtaFacts, now: number): number {
  const { plan, updatedAt } = job;
  const { bySteps, idleMs } = sharedTimes(job, updatedAt);
  const running = plan.filter(({ id }) => begunState(job, id)?.status === "running");
  const passedMs = Math.max(0, now - updatedAt) / Math.max(1, running.length);
  const observed = observations(job, running, bySteps);
  const usual = usualTimes(plan);
  const paceWithout = paceOf(usual, observed);
  let isNext = running.length === 0;
  let leftMs = 0;
  for (const [id, expected] of usual) {
    const status = begunState(job, id)?.status;
    if (status !== undefined && status !== "running") continue;
    const estimate = corrected(paced(expected, paceWithout(id)), observed.get(id));
    let elapsedMs = 0;
    if (status === "running") elapsedMs = (bySteps.get(id) ?? 0) + passedMs;
    else if (isNext) elapsedMs = idleMs + passedMs;
    if (status === undefined) isNext = false;
    leftMs += leftOf(estimate, elapsedMs);
  }
  return leftMs;
}

/** A step that was never completed before has the share that its weight gives it. */
function usualTimes(plan: readonly PlanStep[]): ReadonlyMap<string, Estimate> {
  const known = plan.filter(({ expectedMs }) => expectedMs !== undefined);
  const sumOf = (of: (step: PlanStep) => number): number =>
    known.reduce((sum, step) => sum + of(step), 0);
  const msPerWeight = sumOf(({ expectedMs = 0 }) => expectedMs) / sumOf(({ weight }) => weight);
  const times = plan.map(({ id, weight, expectedMs, spread = DEFAULT_SPREAD }) => {
    const ms = Math.max(1, expectedMs ?? weight * msPerWeight);
    return [id, { ms, deviation: Math.max(MIN_DEVIATION, Math.log(spread)) }] as const;
  });
  return new Map(times);
}

function observations(
  job: EtaFacts,
  running: readonly PlanStep[],
  bySteps: ReadonlyMap<string, number>,
): ReadonlyMap<string, Observation> {
  const observed = new Map<string, Observation>();
  for (const { id } of job.plan) {
    const ms = bySteps.get(id);
    if (ms !== undefined && begunState(job, id)?.status === "completed")
      observed.set(id, { ms: Math.max(1, ms), variance: 0 });
  }
  const measured = running
    .map(({ id }) => ({ id, ...measuredRest(begunState(job, id), job.updatedAt) }))
    .filter(({ restMs }) => Number.isFinite(restMs))
    .sort((a, b) => a.restMs - b.restMs);
  // The shorter ones end first. From then on the others share the time among fewer.
  let [sharedMs, restMs] = [0, 0];
  for (const [index, { id, part, ...step }] of measured.entries()) {
    sharedMs += (step.restMs - restMs) / (running.length - index);
    restMs = step.restMs;
    // A percent need not rise evenly, which matters less and less.
    const variance = (0.09 * (1 - part) ** 2) / part;
    observed.set(id, { ms: Math.max(1, (bySteps.get(id) ?? 0) + sharedMs), variance });
  }
  return observed;
}

/** The rest of a running step at its mean rate so far. `NaN` while that is unknown. */
function measuredRest(
  step: StepState | undefined,
  until: number,
): { readonly part: number; readonly restMs: number } {
  const part = Math.min(1, numberOr0(step?.percent) / 100);
  const elapsedMs = until - (step?.startedAt ?? until);
  const restMs = elapsedMs > 0 && part > 0 ? (elapsedMs * (1 - part)) / part : Number.NaN;
  return { part, restMs };
}

/** How the logarithm of an observation differs from that of an estimate, and how far to follow it: from 0 to 1. */
function compared(
  { ms, deviation }: Estimate,
  observation: Observation,
): readonly [number, number] {
  const { variance } = observation;
  const difference = Math.log(observation.ms / ms);
  // An observation that the spread does not explain shows that this run is another kind of run.
  const explained = Math.max(deviation ** 2, difference ** 2 - variance);
  return [difference, explained / (explained + variance)];
}

/**
 * The pace of the run, as a function that leaves one step out: the mean logarithm of observed to usual times. Few
 * observations say little, so {@link USUAL_STEPS} are added to them.
 */
function paceOf(
  usual: ReadonlyMap<string, Estimate>,
  observed: ReadonlyMap<string, Observation>,
): (without: string) => number {
  let [sum, weights] = [0, USUAL_STEPS];
  const parts = new Map<string, readonly [number, number]>();
  for (const [id, observation] of observed) {
    const estimate = usual.get(id);
    if (estimate === undefined) continue;
    const [difference, weight] = compared(estimate, observation);
    const limited = Math.max(-MAX_DIFFERENCE, Math.min(MAX_DIFFERENCE, difference));
    parts.set(id, [weight * limited, weight]);
    sum += weight * limited;
    weights += weight;
  }
  return (without) => {
    const [difference, weight] = parts.get(without) ?? [0, 0];
    return (sum - difference) / (weights - weight);
  };
}

/** A run at an unusual pace is not like the earlier ones: its estimates are less certain, and its percents count. */
function paced({ ms, deviation }: Estimate, pace: number): Estimate {
  return { ms: ms * Math.exp(pace), deviation: Math.hypot(deviation, pace) };
}

/** An estimate, corrected by what was observed of the same step. */
function corrected(estimate: Estimate, observation: Observation | undefined): Estimate {
  if (observation === undefined) return estimate;
  const [difference, weight] = compared(estimate, observation);
  return {
    ms: estimate.ms * Math.exp(weight * difference),
    deviation: Math.max(MIN_DEVIATION, Math.sqrt(weight * observation.variance)),
  };
}

/**
 * The median rest of a step that has run for some time, by a log-logistic distribution of its duration. It counts down,
 * more and more slowly, and never passes 0.
 */
function leftOf({ ms, deviation }: Estimate, elapsedMs: number): number {
  if (elapsedMs > ms * Math.exp(MAX_DEVIATIONS * deviation)) return Number.NaN;
  const shape = 1.8 / deviation;
  return ms * (1 + 2 * (elapsedMs / ms) ** shape) ** (1 / shape) - elapsedMs;
}
