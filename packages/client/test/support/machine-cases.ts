import { ProgressError } from "@emlinh/progress-protocol";
import type { Effect } from "../../src/machine/effects.js";
import type { EventContext, MachineEvent } from "../../src/machine/events.js";
import type { RetryPolicy } from "../../src/machine/policy.js";
import { reduce, type Step } from "../../src/machine/reduce.js";
import { type ConnectionStatus, initialState, type MachineState } from "../../src/machine/state.js";

export const POLICY: RetryPolicy = {
  transport: "auto",
  backoffMs: [1000, 2000, 4000, 8000, 16_000, 30_000],
  maxAttempts: 5,
  pollIntervalMs: 2000,
  pollWaitMs: 20_000,
  probesMs: [30_000, 60_000],
};
export const NOW = 1_700_000_000_000;
export const CONTEXT: EventContext = { now: NOW, random: 0 };
const failure = new ProgressError("network", { message: "failed", retryable: true });
export const unauthorized = new ProgressError("not-authenticated", { message: "401", status: 401 });
export const missing = new ProgressError("job-not-found", { message: "404", status: 404 });

/** The current connection of every state below that has one. */
export const C = 7;
const BASE: MachineState = { ...initialState(POLICY), lastConnection: C };

export const STATES: Record<ConnectionStatus, MachineState> = {
  idle: BASE,
  connecting: { ...BASE, status: "connecting", current: C },
  live: { ...BASE, status: "live", current: C, attempt: 2 },
  suspect: { ...BASE, status: "suspect", current: C },
  waiting: { ...BASE, status: "waiting", attempt: 1 },
  offline: { ...BASE, status: "offline", offline: true, current: C },
  paused: { ...BASE, status: "paused" },
  polling: { ...BASE, status: "polling", transport: "poll", current: C, attempt: 5 },
  closed: { ...BASE, status: "closed" },
};

const FAILED = { kind: "failed", connection: C, strike: false, floorMs: 0 } as const;
export const EVENTS = {
  start: { kind: "start" },
  leave: { kind: "leave" },
  pause: { kind: "pause", overdue: false },
  close: { kind: "close" },
  alive: { kind: "alive", connection: C, delivers: false, healthy: false },
  delivers: { kind: "alive", connection: C, delivers: true, healthy: false },
  healthy: { kind: "alive", connection: C, delivers: true, healthy: true },
  ready: { kind: "ready", connection: C },
  silent: { kind: "silent", connection: C },
  polled: { kind: "polled", connection: C, unheld: false },
  failed: { ...FAILED, error: failure },
  unauthorized: { ...FAILED, error: unauthorized },
  refused: { ...FAILED, error: missing },
  bye: { kind: "bye", connection: C, floorMs: 300 },
  "retry-due": { kind: "retry-due" },
  "probe-due": { kind: "probe-due" },
  retarget: { kind: "retarget" },
  offline: { kind: "offline", overdue: false },
  check: { kind: "check", overdue: false },
  overdue: { kind: "check", overdue: true },
} as const satisfies Record<string, MachineEvent>;
export type EventName = keyof typeof EVENTS;

// A new kind of event does not compile until it is in EVENTS, and so in the table.
type MissingKind = Exclude<MachineEvent["kind"], (typeof EVENTS)[EventName]["kind"]>;
export const allKindsAreListed: [MissingKind] extends [never] ? true : MissingKind = true;

/** An effect in words: `stream`, `hold` (a long poll) and `poll` open a connection. */
function word(effect: Effect): string {
  switch (effect.run) {
    case "connect": {
      const poll = effect.holdMs > 0 ? "hold" : "poll";
      return (effect.transport === "poll" ? poll : "stream") + (effect.refresh ? "+refresh" : "");
    }
    case "disconnect":
      return `disconnect:${effect.connection}`;
    case "wait":
      return `${effect.timer}:${effect.delayMs}`;
    default:
      return effect.run;
  }
}

export const words = ([, effects]: Step): string => effects.map(word).join(" ");

/** The next status and the effects in words; `-` if nothing changes. */
export function outcome(state: MachineState, event: MachineEvent): string {
  const step = reduce(state, { ...event, ...CONTEXT });
  const [next, effects] = step;
  if (effects.length > 0) return `${next.status} ${words(step)}`;
  return JSON.stringify(next) === JSON.stringify(state) ? "-" : next.status;
}

/** The state after some events, and the effects of the last one in words. */
export function run(
  state: MachineState,
  ...events: readonly MachineEvent[]
): readonly [MachineState, string] {
  let step: Step = [state, []];
  for (const event of events) step = reduce(step[0], { ...event, ...CONTEXT });
  return [step[0], words(step)];
}
