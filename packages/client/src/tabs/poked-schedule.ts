import type { Schedule } from "../transports/http.js";

/** Timers that also fire when the page is poked. */
export interface PokedSchedule {
  readonly schedule: Schedule;
  /** Fires each timer that is due by the clock. */
  poke(): void;
}

/**
 * Browsers delay the timers of a hidden page by up to a minute, but not the messages of other pages. So the messages of
 * a page that is visible fire the timers of the hidden page that has the connection.
 */
export function pokedSchedule(schedule: Schedule, clock: () => number): PokedSchedule {
  const timers = new Set<{ readonly dueAt: number; fire(): void }>();
  return {
    schedule(run, delayMs) {
      const timer = {
        dueAt: clock() + delayMs,
        fire() {
          cancel();
          run();
        },
      };
      const cancelTimer = schedule(timer.fire, delayMs);
      const cancel = (): void => {
        timers.delete(timer);
        cancelTimer();
      };
      timers.add(timer);
      return cancel;
    },
    poke() {
      // A timer that was cancelled by an earlier one does not fire.
      for (const timer of [...timers])
        if (timers.has(timer) && clock() >= timer.dueAt) timer.fire();
    },
  };
}
