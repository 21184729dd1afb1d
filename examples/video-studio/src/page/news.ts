import type { ConnectionState } from "@emlinh/progress-client";
import type { Video } from "./job-view.js";
import type { Phase } from "./texts/texts.js";

/** How recent the shown state of a job is. */
export type News =
  | { readonly kind: "current" }
  /** The connection works, but the job has not changed for this time, in milliseconds. */
  | { readonly kind: "quiet"; readonly silentMs: number }
  /** There is no connection: the job may have gone on or ended. */
  | { readonly kind: "unseen" };

/** Whether changes of a job reach the page. `pending`: not known yet, for example at the first try. */
export type Link = "up" | "down" | "pending";

/** The facts that determine the {@link News}. */
export interface NewsFacts {
  readonly phase: Phase;
  readonly video: Video | undefined;
  readonly link: Link;
  /** The server's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** A problem of the connection that ends within this time is not shown. */
export const NOTICED_AFTER_MS = 1500;

/** A job that is worked on changes more often than this. */
const QUIET_AFTER_MS = 10_000;

/** The phases in which somebody works on the job. */
const WORKED_ON: ReadonlySet<Phase> = new Set<Phase>(["running", "stale", "cancelling"]);

/** How recent the state of a job is. That of an ended job is always current. */
export function newsOf({ phase, video, link, now }: NewsFacts): News {
  const isWorkedOn = WORKED_ON.has(phase);
  if (link === "down" && (isWorkedOn || phase === "queued" || phase === "joining"))
    return { kind: "unseen" };
  const silentMs = now - (video?.updatedAt ?? now);
  return link === "up" && isWorkedOn && silentMs >= QUIET_AFTER_MS
    ? { kind: "quiet", silentMs }
    : { kind: "current" };
}

/**
 * Returns a function that follows a connection, and returns its link. It must be called after each change of the
 * connection. A link that is lost for a moment only is `pending`.
 *
 * @param clock - In milliseconds, from any start.
 */
export function createLink(clock: () => number): (connection: ConnectionState) => Link {
  let lostAt: number | undefined;
  return ({ status, attempt }) => {
    const isLost =
      status === "offline" || status === "waiting" || (status === "connecting" && attempt > 0);
    lostAt = isLost ? (lostAt ?? clock()) : undefined;
    if (lostAt !== undefined) return clock() - lostAt < NOTICED_AFTER_MS ? "pending" : "down";
    return status === "live" || status === "suspect" || status === "polling" ? "up" : "pending";
  };
}
