import type { ConnectionState } from "@emlinh/progress-client";

/** A problem of the connection that the user can notice. */
export type ConnectionProblem =
  | { readonly kind: "offline" | "retrying" | "suspect" | "polling" }
  /** The next try is at `retryAt`, in milliseconds since the epoch. */
  | { readonly kind: "waiting"; readonly retryAt: number };

/** The worst kind first. */
const SEVERITY: readonly ConnectionProblem["kind"][] = [
  "offline",
  "waiting",
  "retrying",
  "suspect",
  "polling",
];

/** The worst problem of the connections of all live jobs, or `undefined` if there is none. */
export function worstProblem(
  connections: readonly ConnectionState[],
): ConnectionProblem | undefined {
  const problems = connections.map(problemOf).filter((problem) => problem !== undefined);
  return problems.toSorted((a, b) => SEVERITY.indexOf(a.kind) - SEVERITY.indexOf(b.kind))[0];
}

function problemOf({ status, attempt, retryAt }: ConnectionState): ConnectionProblem | undefined {
  switch (status) {
    case "offline":
    case "suspect":
    case "polling":
      return { kind: status };
    case "waiting":
      return { kind: "waiting", retryAt: retryAt ?? 0 };
    case "connecting":
      // The first try is not a problem.
      return attempt > 0 ? { kind: "retrying" } : undefined;
    default:
      // A closed connection does not reconnect. The job's card shows the reason.
      return undefined;
  }
}

/** Whole seconds until a time, rounded up, at least 1. Both times are in milliseconds since the epoch. */
export function secondsUntil(time: number, now: number): number {
  return Math.max(1, Math.ceil((time - now) / 1000));
}
