import { elapsed, every, type Timer } from "../../shared/time.js";

/**
 * The one timer that serves all topics, streams and held polls of a hub. It runs only while there is something to
 * serve.
 */
export interface HubClock {
  /** Starts the timer, unless it runs. */
  start(): void;
  /** Ticks at once, and at least this often from now on. @param ms - Milliseconds between ticks. */
  speedUp(ms: number): void;
}

/**
 * Makes a clock that does not run.
 *
 * @param onTick - Called with the time by {@link elapsed}. Must not throw. @returns whether there is still something to
 * serve.
 */
export function hubClock(tickMs: number, onTick: (now: number) => boolean): HubClock {
  let intervalMs = tickMs;
  let timer: Timer | undefined;

  function tick(): void {
    if (!onTick(elapsed())) stop();
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  function start(): void {
    timer ??= every(intervalMs, tick);
  }

  return {
    start,
    speedUp(ms) {
      intervalMs = Math.min(intervalMs, ms);
      stop();
      start();
      tick();
    },
  };
}
