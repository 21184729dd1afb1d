import type { Cursor, Delta } from "@emlinh/progress-protocol";
import { isEmpty } from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import type { Hub, Reader, Seat } from "../hub/hub.js";
import type { Member } from "../hub/topic.js";

/** A poll that is to be held. */
export interface HeldPoll {
  readonly hub: Hub;
  readonly seat: Seat;
  readonly cursor: Cursor | undefined;
  readonly waitMs: number;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** What a poll is told. */
export interface PolledDelta {
  readonly delta: Delta;
  /** Whether the job was removed meanwhile. */
  readonly removed: boolean;
}

/**
 * Waits until there is something to tell, the job has ended or is gone, the time is over, the client has left, or the server wants to stop (P24).
 * Then gives the seat back.
 */
export async function holdPoll({
  hub,
  seat,
  cursor,
  waitMs,
  signal,
}: HeldPoll): Promise<PolledDelta> {
  const { topic } = seat;
  const { promise, resolve } = deferred();
  let leaveAt = elapsed() + waitMs;
  const member: Member = {
    eager: true,
    changed: () => hasNews() && resolve(),
    gone: resolve,
    storeLost: resolve,
  };
  const reader: Reader = {
    tick: (now) => now >= leaveAt && resolve(),
    leaveBy(at) {
      leaveAt = Math.min(leaveAt, at);
    },
  };
  const hasNews = (): boolean => topic.hasEnded() || !isEmpty(topic.deltaAfter(cursor));

  topic.members.add(member);
  hub.add(reader);
  signal.addEventListener("abort", resolve, { once: true });
  try {
    if (!hasNews() && !signal.aborted && !topic.isClosed()) await promise;
    return {
      delta: topic.deltaAfter(cursor),
      removed: topic.isClosed() && !hub.isDraining(),
    };
  } finally {
    signal.removeEventListener("abort", resolve);
    hub.remove(reader);
    topic.members.delete(member);
    seat.leave();
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
