import { elapsed } from "../../shared/time.js";
import type { DisconnectTarget } from "../disconnect-target.js";
import type { Hub } from "../hub/hub.js";
import type { Reader } from "../hub/readers.js";
import type { Metrics } from "../metrics.js";

/** A request that is held until there is something to answer (P24). */
export interface HeldRequest {
  readonly hub: Hub;
  readonly metrics: Metrics;
  readonly waitMs: number;
  /** Whether a permission was withdrawn since the reader was allowed to poll. */
  readonly isRevoked: boolean;
  readonly principals: readonly string[];
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
  reads(target: DisconnectTarget): boolean;
}

/** Where the answer comes from. */
export interface AnswerSource {
  hasAnswer(): boolean;
  /** Begins to listen. @param wake - To be called when there may be an answer. @returns a function that stops. */
  listen(wake: () => void): () => void;
}

/**
 * Waits until there is an answer, the time is over, the client is gone, the server drains, or the permission is
 * withdrawn.
 *
 * @returns `revoked` in the last case: the reader gets an empty answer at once. The app is asked about it
 * when it returns (P58).
 */
export async function untilAnswer(
  request: HeldRequest,
  { hasAnswer, listen }: AnswerSource,
): Promise<"answer" | "revoked"> {
  const { hub, metrics, signal } = request;
  const { promise, resolve } = deferred();
  let { isRevoked } = request;
  const reader = readerOf(request, {
    onEnd: resolve,
    onRevoked() {
      isRevoked = true;
      resolve();
    },
  });
  const stop = listen(() => hasAnswer() && resolve());
  hub.add(reader);
  signal.addEventListener("abort", resolve, { once: true });
  metrics.polls += 1;
  try {
    if (!isRevoked && !hasAnswer() && !signal.aborted) await promise;
    return isRevoked ? "revoked" : "answer";
  } finally {
    metrics.polls -= 1;
    signal.removeEventListener("abort", resolve);
    hub.remove(reader);
    stop();
  }
}

/** Calls `onEnd` once the time is over, or earlier if the hub asks for it. */
function readerOf(
  { principals, waitMs, reads }: HeldRequest,
  { onEnd, onRevoked }: { onEnd(): void; onRevoked(): void },
): Reader {
  let leaveAt = elapsed() + waitMs;
  return {
    principals,
    reads,
    tick: (now) => now >= leaveAt && onEnd(),
    leaveBy(at) {
      leaveAt = Math.min(leaveAt, at);
    },
    revoke() {
      onRevoked();
      return true;
    },
    destroy: onEnd,
  };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
