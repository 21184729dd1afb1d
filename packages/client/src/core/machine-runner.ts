import type { Effect } from "../machine/effects.js";
import type { MachineEvent } from "../machine/events.js";
import type { RetryPolicy } from "../machine/policy.js";
import { reduce } from "../machine/reduce.js";
import { initialState, type MachineState } from "../machine/state.js";

/** Feeds events to the machine and executes its effects. */
export interface MachineRunner {
  readonly state: MachineState;
  dispatch(event: MachineEvent): void;
}

type Run = Effect["run"];

/** One function for each kind of effect. */
export type EffectHandlers = {
  readonly [R in Run]: (effect: Effect & { readonly run: R }) => void;
};

/** The policy of a machine, and its sources of time and randomness. */
export interface MachineContext extends RetryPolicy {
  readonly clock: () => number;
  readonly random: () => number;
}

/**
 * Makes a machine in its initial state.
 *
 * @param onStep - Called after the effects of each event.
 */
export function machineRunner(
  context: MachineContext,
  onStep: () => void,
  handlers: EffectHandlers,
): MachineRunner {
  const { clock, random } = context;
  const queue: MachineEvent[] = [];
  let state = initialState(context);
  let executing = false;

  function step(event: MachineEvent): void {
    const [next, effects] = reduce(state, { ...event, now: clock(), random: random() });
    state = next;
    executing = true;
    try {
      // The compiler can't see that the handler and the effect belong together.
      for (const effect of effects) (handlers[effect.run] as (effect: Effect) => void)(effect);
    } finally {
      executing = false;
    }
    onStep();
  }

  return {
    get state() {
      return state;
    },
    dispatch(event) {
      queue.push(event);
      // An effect may cause another event, for example in a user's `headers` function. It has to wait for the other
      // effects.
      if (executing) return;
      for (let next = queue.shift(); next; next = queue.shift()) step(next);
    },
  };
}
