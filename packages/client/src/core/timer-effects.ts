import type { TimerName } from "../machine/effects.js";
import type { MachineEvent } from "../machine/events.js";
import type { Schedule } from "../transports/http.js";
import type { EffectHandlers } from "./machine-runner.js";

/**
 * Handles the timers of a machine, at most one of each name.
 *
 * @param dispatch - Receives the events of those that are due.
 */
export function timerEffects(
  schedule: Schedule,
  dispatch: (event: MachineEvent) => void,
): Pick<EffectHandlers, "wait" | "cancel-timers"> {
  const cancels: { [Name in TimerName]?: () => void } = {};
  return {
    wait({ timer, delayMs }) {
      cancels[timer]?.();
      cancels[timer] = schedule(() => dispatch({ kind: `${timer}-due` }), delayMs);
    },
    "cancel-timers"() {
      cancels.retry?.();
      cancels.probe?.();
    },
  };
}
