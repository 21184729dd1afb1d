import { elapsed } from "../shared/time.js";

/**
 * Notices that this process was suspended: it was stopped, a debugger held it, the machine slept, or the time of day
 * was corrected. Meanwhile no lease was renewed, so nothing may be concluded from the leases.
 */
export interface SuspensionDetector {
  /** Call it when a timer begins that is due after `waitMs`. */
  begin(waitMs: number): void;
  /** Call it when that timer fires. @returns whether the process was suspended in between. */
  ended(): boolean;
}

/**
 * Makes a detector.
 *
 * @param clock - The local time of day, in milliseconds since the epoch.
 * @param toleranceMs - A timer that is later than this by either clock counts as a suspension.
 */
export function suspensionDetector(clock: () => number, toleranceMs: number): SuspensionDetector {
  let [dueAt, dueTime] = [0, 0];
  return {
    begin(waitMs) {
      [dueAt, dueTime] = [elapsed() + waitMs, clock() + waitMs];
    },
    // The monotonic clock stops while the machine sleeps, and the time of day does not.
    ended: () => elapsed() - dueAt > toleranceMs || clock() - dueTime > toleranceMs,
  };
}
