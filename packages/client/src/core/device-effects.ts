import type { Schedule } from "../transports/http.js";
import type { EffectHandlers } from "./machine-runner.js";
import type { Page, PageEvent } from "./page.js";

/** The page and the clock of a device. */
export interface DeviceOptions {
  readonly page: Page | false;
  readonly clock: () => number;
  readonly schedule: Schedule;
}

const TICK_MS = 5000;

/** A tick that is late by more than this means that the device was asleep: timers do not run during sleep. */
const JUMP_MS = 10_000;

/** Listens to the page and to jumps of the clock between `attach` and `detach`. A jump is a `check`. */
export function deviceEffects(
  { page, clock, schedule }: DeviceOptions,
  listener: (event: PageEvent) => void,
): Pick<EffectHandlers, "attach" | "detach"> {
  let cancelTick: (() => void) | undefined;
  let leavePage: (() => void) | undefined;

  function tick(): void {
    const dueAt = clock() + TICK_MS;
    cancelTick = schedule(() => {
      tick();
      if (clock() > dueAt + JUMP_MS) listener("check");
    }, TICK_MS);
  }

  return {
    attach() {
      tick();
      if (page) leavePage = page(listener);
    },
    detach() {
      cancelTick?.();
      leavePage?.();
    },
  };
}
