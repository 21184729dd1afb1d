import type { Schedule } from "../../transports/http.js";

const INTERVAL_MS = 1000;

/**
 * Makes a timer that calls a function each second.
 *
 * @returns a function that starts the timer or stops it; it changes nothing if that is the case already.
 */
export function countdown(schedule: Schedule, onSecond: () => void): (isWanted: boolean) => void {
  let cancel: (() => void) | undefined;
  return function update(isWanted) {
    if (!isWanted) {
      cancel?.();
      cancel = undefined;
    } else {
      cancel ??= schedule(() => {
        cancel = undefined;
        onSecond();
      }, INTERVAL_MS);
    }
  };
}
