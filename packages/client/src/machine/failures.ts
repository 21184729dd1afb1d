import { backoffDelayMs } from "./backoff.js";
import {
  connect,
  type Draft,
  disconnect,
  halt,
  takeOver,
  waitForProbe,
  waitForRetry,
} from "./draft.js";
import type { MachineEvent } from "./events.js";

type FailedEvent = MachineEvent & { readonly kind: "failed" };
type DroppedEvent = MachineEvent & { readonly kind: "bye" | "failed" };

/** Silent streams and foreign answers until polls replace the stream. */
const MAX_STRIKES = 2;

/** The wait after a failure while the device reports that it has no network; jitter shortens it by up to a half. */
const OFFLINE_WAITS_MS = [60_000];

/** After a `bye` the clients return spread over this time, unless the server asks for more. */
const BYE_SPREAD_MS = 1000;

/** A connection failed, or the server said `bye` and asks the client to come back, which is not a failure (P38). */
export function onDropped(draft: Draft, event: DroppedEvent): void {
  const { connection, floorMs } = event;
  const error = event.kind === "failed" ? event.error : undefined;
  if (connection === draft.probe) endProbe(draft);
  else if (connection === draft.current && draft.successor) promoteSuccessor(draft);
  else if (error?.status === 401 && !draft.refreshed) askForCredentials(draft);
  else if (error?.retryable === false) halt(draft, "closed", error);
  else {
    // The cause of a successor's failure, such as a limit of streams, may be gone with the current one.
    disconnect(draft, "current");
    disconnect(draft, "successor");
    draft.error = error;
    draft.floorMs = floorMs;
    draft.floorUntil = draft.now + floorMs;
    // An answer, whoever sent it, shows that there is a network.
    if (!error || error.status) draft.offline = false;
    if (event.kind === "failed") retry(draft, event);
    else waitForRetry(draft, Math.max(floorMs, draft.random * BYE_SPREAD_MS));
  }
}

/**
 * The polls go on. The cause may have affected long polls as well, so they get another chance together with the stream.
 */
function endProbe(draft: Draft): void {
  disconnect(draft, "probe");
  // Before the count is raised: the first wait applies twice, and only the second failure in a row makes it longer.
  waitForProbe(draft);
  draft.failedProbes += 1;
  draft.unheld = 0;
}

/** The successor is under way already, so there is nothing to wait for. */
function promoteSuccessor(draft: Draft): void {
  takeOver(draft, "successor");
  draft.status = "connecting";
}

/** Sends the request again at once, with fresh credentials. */
function askForCredentials(draft: Draft): void {
  disconnect(draft, "current");
  disconnect(draft, "successor");
  draft.refreshed = true;
  connect(draft);
}

/** Waits for the next attempt, which polls if the stream has failed too often. */
function retry(draft: Draft, { strike, floorMs }: FailedEvent): void {
  const { policy, offline } = draft;
  // A failure without a network does not count against the server.
  if (!offline) draft.attempt += 1;
  draft.unheld += 1;
  if (strike && draft.transport === "stream") draft.strikes += 1;
  const failedTooOften =
    draft.attempt >= policy.maxAttempts || draft.strikes >= MAX_STRIKES || draft.failedProbes > 0;
  const changesToPolls =
    failedTooOften && draft.transport === "stream" && policy.transport === "auto";
  if (changesToPolls) {
    draft.transport = "poll";
    draft.unheld = 0;
  }
  // Another transport starts afresh: it does not have to wait as long as the one that failed.
  const attempt = changesToPolls || offline ? 1 : draft.attempt;
  const delaysMs = offline ? OFFLINE_WAITS_MS : policy.backoffMs;
  waitForRetry(draft, backoffDelayMs(attempt, delaysMs, floorMs, draft.random));
  if (changesToPolls) waitForProbe(draft);
}
