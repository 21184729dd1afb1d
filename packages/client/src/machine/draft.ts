import { delayAt } from "./backoff.js";
import type { Effect } from "./effects.js";
import type { EventContext } from "./events.js";
import type { Transport } from "./policy.js";
import type { MachineState } from "./state.js";

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The next state while it is made: a mutable copy, the effects so far, and the context of the event. */
export interface Draft extends Mutable<MachineState>, EventContext {
  /** In the order in which they are executed. */
  readonly effects: Effect[];
}

/** Long polls in a row that come back at once until polls are sent at an interval. */
const MAX_UNHELD = 3;

/** How long the next poll is held, in milliseconds; 0 for a server that was seen not to hold polls. */
export function holdMs({ policy, unheld }: MachineState): number {
  return unheld < MAX_UNHELD ? policy.pollWaitMs : 0;
}

/** The interval at which a paused page is asked for its state: the event that ends a pause may be missing. */
const PAUSE_CHECK_MS = 60_000;

/** Whether the stream is tried while polls go on. */
function probesStream({ policy, transport }: MachineState): boolean {
  return transport === "poll" && policy.transport === "auto" && policy.probesMs.length > 0;
}

/** The connections that a machine can have. */
type Role = "current" | "probe" | "successor";

function open(draft: Draft, role: Role, transport: Transport): void {
  draft.lastConnection += 1;
  draft[role] = draft.lastConnection;
  draft.effects.push({
    run: "connect",
    connection: draft.lastConnection,
    transport,
    holdMs: transport === "poll" ? holdMs(draft) : 0,
    refresh: draft.refreshed,
  });
}

/** Closes the connection that has a role, if there is one. */
export function disconnect(draft: Draft, role: Role): void {
  const connection = draft[role];
  if (!connection) return;
  draft[role] = undefined;
  draft.effects.push({ run: "disconnect", connection });
}

function disconnectAll(draft: Draft): void {
  for (const role of ["current", "probe", "successor"] as const) disconnect(draft, role);
}

/** Opens the current connection by the transport of the state. There must be none. */
export function connect(draft: Draft): void {
  draft.status = draft.transport === "poll" ? "polling" : "connecting";
  open(draft, "current", draft.transport);
}

/** Opens a stream beside the polls, if there is none and the policy allows it. */
export function connectProbe(draft: Draft): void {
  if (!draft.probe && probesStream(draft)) open(draft, "probe", "stream");
}

/** The probe or the successor becomes the current connection. */
export function takeOver(draft: Draft, role: "probe" | "successor"): void {
  disconnect(draft, "current");
  draft.current = draft[role];
  draft[role] = undefined;
  draft.transport = "stream";
}

/** Opens a stream that replaces the current one, unless there is one already. */
export function connectSuccessor(draft: Draft): void {
  if (!draft.successor) open(draft, "successor", "stream");
}

/** Closes every connection and starts again at once, or when the server's minimum wait is over. */
export function reconnect(draft: Draft): void {
  disconnectAll(draft);
  // The clock may have been set back since: the wait is never longer than the minimum itself.
  const delayMs = Math.min(draft.floorMs, draft.floorUntil - draft.now);
  if (delayMs > 0) {
    waitForRetry(draft, delayMs);
    waitForProbe(draft);
  } else {
    connect(draft);
    connectProbe(draft);
  }
}

/** Waits for the next attempt. */
export function waitForRetry(draft: Draft, delayMs: number): void {
  draft.status = draft.offline ? "offline" : "waiting";
  draft.retryAt = draft.now + delayMs;
  draft.effects.push({ run: "wait", timer: "retry", delayMs });
}

/** Waits for the next try of the stream, if the policy allows one. */
export function waitForProbe(draft: Draft): void {
  if (!probesStream(draft)) return;
  const delayMs = delayAt(draft.policy.probesMs, draft.failedProbes);
  draft.effects.push({ run: "wait", timer: "probe", delayMs });
}

/** Closes every connection and cancels every timer. A pause sets the timer that ends it. */
export function halt(
  draft: Draft,
  status: "idle" | "paused" | "closed",
  error?: MachineState["error"],
): void {
  disconnectAll(draft);
  draft.status = status;
  draft.error = error;
  draft.effects.push({ run: "cancel-timers" });
  // A paused machine still listens to the page.
  if (status === "paused")
    draft.effects.push({ run: "wait", timer: "retry", delayMs: PAUSE_CHECK_MS });
  else draft.effects.push({ run: "detach" });
}
