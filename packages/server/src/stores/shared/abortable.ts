import { after } from "../../shared/time.js";

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    function wakeUp(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", wakeUp);
      resolve();
    }
    const timer = after(ms, wakeUp);
    signal.addEventListener("abort", wakeUp);
    if (signal.aborted) wakeUp();
  });
}

/** Resolves with the signal's reason once it is aborted. */
export function whenAborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
    if (signal.aborted) resolve(signal.reason);
  });
}
