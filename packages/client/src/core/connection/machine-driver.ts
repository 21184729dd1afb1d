import type { MachineEvent } from "../../machine/events.js";
import type { MachineState } from "../../machine/state.js";
import type { ResolvedWatchOptions } from "../options.js";
import type { PageEvent } from "../page.js";
import { deviceEffects } from "./device-effects.js";
import { type MachineRunner, machineRunner } from "./machine-runner.js";
import { type RequestContext, requestEffects } from "./request-effects.js";
import { timerEffects } from "./timer-effects.js";

/** A machine that is coupled to the network, the timers and the device. */
export interface MachineDriver {
  readonly state: MachineState;
  readonly dispatch: (event: MachineEvent) => void;
  /** Makes a closed machine idle. */
  reset(): void;
  /** Connects at once instead of waiting, and replaces a stream that is overdue. */
  check(): void;
  /** The server's time as far as it is known, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** The requests of a machine, and who is told about its steps. */
export interface DriverContext extends RequestContext {
  /** Called after the effects of each event. */
  onStep(): void;
}

/** Makes a driver that is idle. */
export function machineDriver(
  options: ResolvedWatchOptions,
  context: DriverContext,
): MachineDriver {
  const dispatch = (event: MachineEvent): void => machine.dispatch(event);
  const requests = requestEffects(options, context, dispatch);
  const newMachine = (): MachineRunner =>
    machineRunner(options, context.onStep, {
      ...requests,
      ...timerEffects(options.schedule, dispatch),
      ...deviceEffects(options, onPageEvent),
    });
  let machine = newMachine();

  function onPageEvent(kind: PageEvent): void {
    dispatch({ kind, overdue: requests.isOverdue(machine.state.current) });
  }

  return {
    get state() {
      return machine.state;
    },
    dispatch,
    reset() {
      machine = newMachine();
      context.onStep();
    },
    check: () => onPageEvent("check"),
    now: requests.now,
  };
}
