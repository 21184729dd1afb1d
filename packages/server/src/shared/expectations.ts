/** How long the steps of one job took: milliseconds above 0, by step id. */
export type Durations = Readonly<Record<string, number>>;

/**
 * What earlier jobs have taught about the duration of a step. Durations vary by factors, not by sums, so the mean and
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

/** By step id. */
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
