import type { Schedule } from "../../transports/http.js";
import type { Page, PageEvent } from "../page.js";
import type { EffectHandlers } from "./machine-runner.js";

/** The page and the clock of a device. */
export interface DeviceOptions {
  readonly page: Page | false;
  readonly clock: () => number;
  readonly schedule: Schedule;
}

const TICK_MS = 5000;

/** A tick that is late by more than this means that the device was asleep: timers do not run during sleep. */
const JUMP_MS = 10_000;

/** Listens to the page and to jumps of the clock between `attach` and `detach`. After a jump the page is asked. */
export function deviceEffects(
  { page, clock, schedule }: DeviceOptions,
  listener: (event: PageEvent) => void,
): Pick<EffectHandlers, "attach" | "ask-page" | "detach"> {
  let cancelTick: (() => void) | undefined;
  let leavePage: (() => void) | undefined;

  function tick(): void {
    const dueAt = clock() + TICK_MS;
    cancelTick = schedule(() => {
      tick();
      if (clock() > dueAt + JUMP_MS) askPage();
    }, TICK_MS);
  }

  /** A page reports at once that it is offline or paused. If it reports nothing, or there is none, it is back. */
  function askPage(): void {
    let isBack = true;
    leavePage?.();
    if (page)
      leavePage = page((event) => {
        isBack = false;
        listener(event);
      });
    if (isBack) listener("check");
  }

  return {
    attach() {
      tick();
      if (page) leavePage = page(listener);
    },
    "ask-page": askPage,
    detach() {
      cancelTick?.();
      leavePage?.();
    },
  };
}
