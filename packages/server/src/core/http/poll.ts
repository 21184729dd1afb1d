import { type Cursor, type Delta, isEmpty } from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import type { Hub, TopicHandle } from "../hub/hub.js";
import type { Reader } from "../hub/readers.js";
import type { TopicListener } from "../hub/topic.js";
import type { Metrics } from "../metrics.js";

/** A poll that is held until there is something to answer. */
export interface HeldPoll {
  readonly hub: Hub;
  readonly handle: TopicHandle;
  readonly metrics: Metrics;
  readonly cursor: Cursor;
  readonly waitMs: number;
  /** Whether a permission was withdrawn since the reader was allowed to poll. */
  readonly isRevoked: boolean;
  readonly principal: string | undefined;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/**
 * Waits until the job has changed, has ended or was removed, the time is over, the client is gone, or the server drains
 * (P24). Then gives the topic handle back.
 *
 * @returns `undefined` if the job was removed meanwhile.
 */
export async function holdPoll(poll: HeldPoll): Promise<Delta | undefined> {
  const { hub, handle, metrics, cursor, signal } = poll;
  const { topic } = handle;
  const { promise, resolve } = deferred();
  const hasAnswer = (): boolean => topic.replica.done || !isEmpty(topic.deltaAfter(cursor));
  const listener: TopicListener = {
    changed: () => hasAnswer() && resolve(),
    removed: resolve,
    storeLost: resolve,
  };
  let { isRevoked } = poll;
  const reader = readerOf(poll, {
    onEnd: resolve,
    onRevoked() {
      isRevoked = true;
      resolve();
    },
  });
  topic.listeners.add(listener);
  hub.add(reader);
  signal.addEventListener("abort", resolve, { once: true });
  metrics.polls += 1;
  try {
    if (!isRevoked && !hasAnswer() && !signal.aborted && !topic.isClosed()) await promise;
    // The job may have changed since, and the reader has to be asked about first (P58).
    if (isRevoked) return { cursor, reset: false, set: {}, log: [], done: false };
    return topic.isClosed() && !hub.isDraining() ? undefined : topic.deltaAfter(cursor);
  } finally {
    metrics.polls -= 1;
    signal.removeEventListener("abort", resolve);
    hub.remove(reader);
    topic.listeners.delete(listener);
    handle.leave();
  }
}

/** Calls `onEnd` once the time is over, or earlier if the hub asks for it. */
function readerOf(
  { handle, principal, waitMs }: HeldPoll,
  { onEnd, onRevoked }: { onEnd(): void; onRevoked(): void },
): Reader {
  let leaveAt = elapsed() + waitMs;
  return {
    jobId: handle.topic.jobId,
    principal,
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
