import type { ConnectionState } from "@emlinh/progress-client";
import { worstProblem } from "./connection-view.js";
import type { Video } from "./job-view.js";
import type { Phase } from "./texts/texts.js";

/** How recent the shown state of a job is. */
export type News =
  | { readonly kind: "current" }
  /** The connection works, but the job has not changed for this time, in milliseconds. */
  | { readonly kind: "quiet"; readonly silentMs: number }
  /** There is no connection: the job may have gone on or ended. */
  | { readonly kind: "unseen" };

/** The facts that determine the {@link News}. */
export interface NewsFacts {
  readonly phase: Phase;
  readonly video: Video | undefined;
  /** Whether the connection has been lost for longer than {@link NOTICED_AFTER_MS}. */
  readonly isCutOff: boolean;
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
export function newsOf({ phase, video, isCutOff, now }: NewsFacts): News {
  const isWorkedOn = WORKED_ON.has(phase);
  if (isCutOff && (isWorkedOn || phase === "queued" || phase === "joining"))
    return { kind: "unseen" };
  const silentMs = now - (video?.updatedAt ?? now);
  return isWorkedOn && silentMs >= QUIET_AFTER_MS
    ? { kind: "quiet", silentMs }
    : { kind: "current" };
}

/**
 * Returns a function that tells whether a connection is cut off. It must be called after each change of the connection.
 *
 * @param clock - In milliseconds, from any start.
 */
export function createCutOff(clock: () => number): (connection: ConnectionState) => boolean {
  let since: number | undefined;
  return (connection) => {
    const { kind } = worstProblem([connection]) ?? {};
    const isLost = kind === "offline" || kind === "waiting" || kind === "retrying";
    since = isLost ? (since ?? clock()) : undefined;
    return since !== undefined && clock() - since >= NOTICED_AFTER_MS;
  };
}
