import {
  connect,
  connectProbe,
  connectSuccessor,
  type Draft,
  disconnect,
  halt,
  holdMs,
  reconnect,
  takeOver,
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

function isIgnored(
  { status, current, probe, successor }: MachineState,
  event: MachineEvent,
): boolean {
  if (status === "closed") return true;
  if ("connection" in event && ![current, probe, successor].includes(event.connection)) return true;
  // Without a listener only a first listener and the final close matter.
  if (status === "idle") return event.kind !== "start" && event.kind !== "close";
  return event.kind === "start";
}

const HANDLERS: { readonly [K in Kind]: Handler<K> } = {
  start(draft) {
    draft.effects.push({ run: "attach" });
    draft.transport = draft.policy.transport === "poll" ? "poll" : "stream";
    draft.offline = false;
    reconnect(draft);
  },

  leave: (draft) => halt(draft, "idle"),
  pause: (draft) => halt(draft, "paused"),
  close: (draft, { error }) => halt(draft, "closed", error),

  alive(draft, { connection, delivers, healthy }) {
    if (connection === draft.successor) return;
    if (connection === draft.probe) {
      // Some proxies pass the first kilobytes and hold the rest. After a failure the polls go on until it is healthy.
      const isProven = draft.failedProbes > 0 ? healthy : delivers;
      if (!isProven) return;
      // Polls and stream share one cursor, so there is no gap.
      takeOver(draft, "probe");
      draft.failedProbes += 1;
    }
    if (draft.transport === "poll") return;
    draft.status = "live";
    onAnswer(draft);
    if (delivers) draft.attempt = 0;
    if (!healthy) return;
    draft.strikes = 0;
    draft.failedProbes = 0;
  },

  /** Both streams are open until then, so nothing is missed. */
  ready(draft, { connection }) {
    if (connection !== draft.successor) return;
    takeOver(draft, "successor");
    draft.status = "live";
    onAnswer(draft);
  },

  silent(draft, { connection }) {
    if (draft.status === "live" && connection === draft.current) draft.status = "suspect";
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

  /** Opens a probe, or, while nothing is polled, only sets the timer for it again. */
  "probe-due"(draft) {
    if (draft.status === "polling") connectProbe(draft);
    else if (draft.status !== "paused") waitForProbe(draft);
  },

  /** While it waits, the next attempt asks for everything anyway. */
  retarget(draft) {
    if (draft.transport === "stream") {
      if (draft.current) connectSuccessor(draft);
    } else if (draft.current || draft.status === "polling") {
      disconnect(draft, "current");
      connect(draft);
    }
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
