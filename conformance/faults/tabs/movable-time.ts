import type { Schedule } from "../../../packages/client/src/transports/http.js";

/** The time of a device, which passes by itself, and may be moved forward. */
export interface MovableTime {
  readonly clock: () => number;
  readonly schedule: Schedule;
  /** Moves the clock. Timers that are due fire, and the others fire earlier by as much. */
  skip(ms: number): void;
}

export function movableTime(): MovableTime {
  const timers = new Set<{ readonly dueAt: number; fire(): void; arm(): void }>();
  let aheadMs = 0;
  const clock = (): number => Date.now() + aheadMs;
  return {
    clock,
    schedule(run, delayMs) {
      let handle: ReturnType<typeof setTimeout> | undefined;
      const cancel = (): void => {
        clearTimeout(handle);
        timers.delete(timer);
      };
      const timer = {
        dueAt: clock() + delayMs,
        fire() {
          cancel();
          run();
        },
        arm() {
          clearTimeout(handle);
          handle = setTimeout(timer.fire, timer.dueAt - clock());
        },
      };
      timers.add(timer);
      timer.arm();
      return cancel;
    },
    skip(ms) {
      aheadMs += ms;
      const inOrder = [...timers].sort((one, other) => one.dueAt - other.dueAt);
      // A timer that an earlier one cancelled does not fire.
      for (const timer of inOrder)
        if (timers.has(timer)) {
          if (timer.dueAt <= clock()) timer.fire();
          else timer.arm();
        }
    },
  };
}
