import type { ProgressError } from "@emlinh/progress-protocol";
import { backoffDelayMs } from "./backoff.js";
import { connect, type Draft, disconnect, halt, waitForProbe, waitForRetry } from "./draft.js";
import type { MachineEvent } from "./events.js";

type FailedEvent = MachineEvent & { readonly kind: "failed" };
type DroppedEvent = MachineEvent & { readonly kind: "bye" | "failed" };

/** Silent or foreign answers in a row until polls replace the stream. */
const MAX_STRIKES = 2;

/** After a `bye` the clients return spread over this time, unless the server asks for more. */
const BYE_SPREAD_MS = 1000;

/** A connection failed, or the server said `bye` and asks the client to come back, which is not a failure (P38). */
export function onDropped(draft: Draft, event: DroppedEvent): void {
  const { connection, floorMs } = event;
  const failed = event.kind === "failed" ? event : undefined;
  if (connection === draft.probe) {
    endProbe(draft);
    return;
  }
  if (failed?.error.retryable === false) {
    refuse(draft, failed.error);
    return;
  }
  disconnect(draft, "current");
  draft.error = failed?.error;
  draft.floorMs = floorMs;
  draft.floorUntil = draft.now + floorMs;
  // A failure without a network does not count against the server. The next check connects again.
  if (draft.status === "offline") return;
  if (failed) retry(draft, failed);
  else waitForRetry(draft, Math.max(floorMs, draft.random * BYE_SPREAD_MS));
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

/** No retry helps, except that a 401 is answered once with fresh credentials. */
function refuse(draft: Draft, error: ProgressError): void {
  if (error.status !== 401 || draft.refreshed) {
    halt(draft, "closed", error);
    return;
  }
  disconnect(draft, "current");
  draft.refreshed = true;
  connect(draft, draft.transport);
}

/** Waits for the next attempt, which polls if the stream has failed too often. */
function retry(draft: Draft, { strike, floorMs }: FailedEvent): void {
  const { policy } = draft;
  draft.attempt += 1;
  draft.unheld += 1;
  if (strike) draft.strikes += 1;
  const failedTooOften =
    draft.attempt >= policy.maxAttempts || draft.strikes >= MAX_STRIKES || draft.failedProbes > 0;
  const changesToPolls =
    failedTooOften && draft.transport === "stream" && policy.transport === "auto";
  if (changesToPolls) {
    draft.transport = "poll";
    draft.unheld = 0;
  }
  // Another transport starts afresh: it does not have to wait as long as the one that failed.
  const attempt = changesToPolls ? 1 : draft.attempt;
  waitForRetry(draft, backoffDelayMs(attempt, policy.backoffMs, floorMs, draft.random));
  if (changesToPolls) waitForProbe(draft);
}
