import type { Schedule } from "../transports/exchange.js";

/** How often the clock is looked at, and how far it may have gone on until it counts as having jumped. */
const TICK_MS = 5000;
const JUMP_MS = 15_000;

/** Timers that notice that the device slept. */
export interface Timers {
  readonly schedule: Schedule;
  /** Begins to look at the clock. */
  start(): void;
  /** Runs what is due by the clock now. A timer doesn't count the time that the device slept; the clock does. */
  catchUp(): void;
  /** Calls off everything. */
  stop(): void;
}

/** Puts timers over a scheduler, and calls `onJump` when the clock has gone on without them. */
export function makeTimers(schedule: Schedule, clock: () => number, onJump: () => void): Timers {
  const pending = new Set<{ readonly dueAt: number; fire(): void; cancel(): void }>();

  const later: Schedule = (run, delayMs) => {
    const cancel = (): void => {
      pending.delete(entry);
      off();
    };
    const fire = (): void => {
      cancel();
      run();
    };
    const entry = { dueAt: clock() + delayMs, fire, cancel };
    pending.add(entry);
    const off = schedule(fire, delayMs);
    return cancel;
  };

  const tick = (dueAt: number): void => {
    later(() => {
      if (clock() - dueAt > JUMP_MS - TICK_MS) onJump();
      tick(clock() + TICK_MS);
    }, TICK_MS);
  };

  return {
    schedule: later,
    start: () => tick(clock() + TICK_MS),
    catchUp() {
      // One of them may call off another, which a set leaves out then.
      for (const timer of pending) if (timer.dueAt <= clock()) timer.fire();
    },
    stop() {
      for (const { cancel } of pending) cancel();
    },
  };
}
