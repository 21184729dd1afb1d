/**
 * How long the steps of one job took: milliseconds above 0, by step id. For a job with a size, `<id>/size` has the
 * milliseconds per unit of it. To a store all these names are texts of at most 69 characters.
 */
export type Durations = Readonly<Record<string, number>>;

/**
 * The duration of a step, as earlier jobs have taught it. Durations vary by factors, not by sums, so the mean and
 * the variance are those of the natural logarithm of the milliseconds.
 */
export interface Expectation {
  /** Jobs that were counted, from 1. */
  readonly count: number;
  /** The decayed mean of `ln(ms)`. */
  readonly mean: number;
  /** The decayed variance of `ln(ms)`, from 0. */
  readonly variance: number;
}

/** By the names that {@link Durations} have. */
export type Expectations = Readonly<Record<string, Expectation>>;

/** The least share that a new duration has in the mean: about the last twenty jobs count. */
export const MIN_LEARNING_RATE = 0.1;

/**
 * Adds one duration. Every store follows this rule; those that compute it in the database repeat it there.
 *
 * @param ms - Above 0.
 */
export function learned(known: Expectation | undefined, ms: number): Expectation {
  const value = Math.log(ms);
  if (known === undefined) return { count: 1, mean: value, variance: 0 };
  const count = known.count + 1;
  const rate = Math.max(1 / count, MIN_LEARNING_RATE);
  const difference = value - known.mean;
  return {
    count,
    mean: known.mean + rate * difference,
    variance: (1 - rate) * (known.variance + rate * difference * difference),
  };
}

/** Kinds of jobs that a store keeps, and steps of each kind. */
export const MAX_LEARNED = 1_000;

/**
 * Adds the durations of one job to the steps that are known of its kind, which change. Above {@link MAX_LEARNED} steps,
 * those that were learned least recently are dropped.
 *
 * @param steps - In the order in which they were learned. A map, because step ids may be names such as `__proto__`.
 */
export function learnSteps(steps: Map<string, Expectation>, durations: Durations): void {
  for (const [step, ms] of Object.entries(durations))
    setNewest(steps, step, Object.freeze(learned(steps.get(step), ms)));
}

/** Sets an entry as the newest of its map, and drops the oldest one if there are more than {@link MAX_LEARNED}. */
export function setNewest<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= MAX_LEARNED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
