import {
  connect,
  connectProbe,
  type Draft,
  disconnect,
  halt,
  holdMs,
  reconnect,
  waitForProbe,
} from "./draft.js";
import type { Effect } from "./effects.js";
import type { EventContext, MachineEvent } from "./events.js";
import { onDropped } from "./failures.js";
import type { MachineState } from "./state.js";

/** The next state, and the effects in the order in which they are executed. */
export type Step = readonly [next: MachineState, effects: readonly Effect[]];

type Kind = MachineEvent["kind"];
type EventOf<K extends Kind> = MachineEvent & { readonly kind: K };
type Handler<K extends Kind> = (draft: Draft, event: EventOf<K>) => void;

/** A job that changes all the time is polled twice a second, not as fast as the network allows. */
const LONG_POLL_GAP_MS = 500;

/**
 * Returns the state and the effects that an event leads to. Pure: no timers, sockets, clock or randomness. An event
 * that no longer applies has no effects and changes nothing.
 */
export function reduce(state: MachineState, event: MachineEvent & EventContext): Step {
  if (isIgnored(state, event)) return [state, []];
  const draft: Draft = { ...state, effects: [], now: event.now, random: event.random };
  // The compiler can't see that the handler and the event belong to the same kind.
  (HANDLERS[event.kind] as Handler<Kind>)(draft, event);
  const { effects, now: _now, random: _random, ...next } = draft;
  return [next, effects];
}

function isIgnored({ status, current, probe }: MachineState, event: MachineEvent): boolean {
  if (status === "closed") return true;
  const isLate =
    "connection" in event && event.connection !== current && event.connection !== probe;
  if (isLate) return true;
  // Without a listener only a first listener and the final close matter.
  if (status === "idle") return event.kind !== "start" && event.kind !== "close";
  return event.kind === "start";
}

const HANDLERS: { readonly [K in Kind]: Handler<K> } = {
  start(draft, { policy }) {
    draft.policy = policy;
    draft.effects.push({ run: "attach" });
    draft.transport = policy.transport === "poll" ? "poll" : "stream";
    draft.offline = false;
    reconnect(draft);
  },

  leave: (draft) => halt(draft, "idle"),
  pause: (draft) => halt(draft, "paused"),
  close: (draft, { error }) => halt(draft, "closed", error),

  alive(draft, { connection, delivers, healthy }) {
    if (connection === draft.probe) {
      // Some proxies pass the first kilobytes and hold the rest. After a failure the polls go on until it is healthy.
      const isProven = draft.failedProbes > 0 ? healthy : delivers;
      if (!isProven) return;
      takeOver(draft, connection);
    }
    if (draft.transport === "poll") return;
    draft.status = "live";
    onAnswer(draft);
    if (delivers) draft.attempt = 0;
    if (!healthy) return;
    draft.strikes = 0;
    draft.failedProbes = 0;
  },

  silent(draft) {
    if (draft.status === "live") draft.status = "suspect";
  },

  polled(draft, { unheld }) {
    const { policy, random } = draft;
    disconnect(draft, "current");
    // A poll that did not ask to be held shows nothing about that.
    if (unheld) draft.unheld += 1;
    else if (holdMs(draft) > 0) draft.unheld = 0;
    draft.status = "polling";
    draft.attempt = 0;
    onAnswer(draft);
    const intervalMs = policy.pollIntervalMs * (1 - random / 2);
    const delayMs = holdMs(draft) > 0 ? LONG_POLL_GAP_MS : intervalMs;
    draft.effects.push({ run: "wait", timer: "retry", delayMs });
  },

  bye: onDropped,
  failed: onDropped,

  "retry-due"(draft) {
    if (draft.status === "paused") draft.effects.push({ run: "ask-page" });
    else if (!draft.current) connect(draft);
  },

  "probe-due": tryStream,
  "policy-changed"(draft, { policy }) {
    draft.policy = policy;
    tryStream(draft);
  },

  /**
   * A hint, which is wrong behind some VPNs. Open connections and timers stay, and the next byte makes the status
   * `live` again.
   */
  offline(draft, { overdue }) {
    // A paused page that reports it is back.
    if (draft.status === "paused" || overdue) reconnect(draft);
    draft.offline = true;
    draft.status = "offline";
  },

  check(draft, { overdue }) {
    draft.offline = false;
    const works = draft.status === "connecting" || draft.status === "live";
    if (!works || overdue) reconnect(draft);
  },
};

/** Notes that the server has answered. */
function onAnswer(draft: Draft): void {
  draft.offline = false;
  draft.refreshed = false;
  draft.error = undefined;
}

/** A probe becomes the current connection. Polls and stream share one cursor, so there is no gap. */
function takeOver(draft: Draft, probe: number): void {
  disconnect(draft, "current");
  draft.current = probe;
  draft.probe = undefined;
  draft.transport = "stream";
  draft.failedProbes += 1;
}

/** Opens a probe, or, while nothing is polled, only sets the timer for it again. */
function tryStream(draft: Draft): void {
  if (draft.status === "polling") connectProbe(draft);
  else if (draft.status !== "paused") waitForProbe(draft);
}
