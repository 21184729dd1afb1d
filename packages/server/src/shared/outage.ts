import { backoffDelayMs, elapsed } from "./time.js";

/** The failures in a row of something that is tried again and again, and when the next try is due. */
export interface Outage {
  /** Whether the last try failed. */
  isOn(): boolean;
  /** Notes a failure and sets the time of the next try. @returns whether it is the first in a row. */
  failed(): boolean;
  /** Notes a success. */
  ended(): void;
  /** When the next try is due, by {@link elapsed}. In the past while nothing fails. */
  retryAt(): number;
  /** Milliseconds since the first failure in a row; 0 while nothing fails. */
  durationMs(now: number): number;
}

/**
 * Starts without a failure.
 *
 * @param maxMs - The longest wait between two tries.
 */
export function createOutage(maxMs: number, random: () => number): Outage {
  let failures = 0;
  let since = 0;
  let retryAt = 0;
  return {
    isOn: () => failures > 0,
    failed() {
      failures += 1;
      if (failures === 1) since = elapsed();
      retryAt = elapsed() + backoffDelayMs(failures, { maxMs }, random);
      return failures === 1;
    },
    ended() {
      failures = 0;
    },
    retryAt: () => (failures > 0 ? retryAt : 0),
    durationMs: (now) => (failures > 0 ? now - since : 0),
  };
}
