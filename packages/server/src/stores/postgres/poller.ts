import { after, type Timer } from "../../shared/time.js";

/** Runs a task again and again. */
export interface Poller {
  /** Schedules the next run, unless one is scheduled. */
  start(): void;
  /** Schedules the next run with the delay that applies now. */
  reschedule(): void;
  /** Cancels the scheduled run. */
  stop(): void;
}

/**
 * Runs nothing yet. A run begins a delay after the one before has settled.
 *
 * @param task - Must not reject.
 * @param delayMs - The delay before the next run, in milliseconds; `Infinity` for none.
 */
export function createPoller(task: () => Promise<void>, delayMs: () => number): Poller {
  let timer: Timer | undefined;
  let isRunning = false;

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  function reschedule(): void {
    stop();
    const ms = delayMs();
    if (!isRunning && ms !== Number.POSITIVE_INFINITY) timer = after(ms, () => void run());
  }

  async function run(): Promise<void> {
    timer = undefined;
    isRunning = true;
    await task();
    isRunning = false;
    reschedule();
  }

  return {
    start() {
      if (timer === undefined) reschedule();
    },
    reschedule,
    stop,
  };
}
