import type { ConnectionState } from "@emlinh/progress-client";

/** What is wrong with the connection, from the user's side. */
export type Trouble =
  | { readonly kind: "offline" | "retrying" | "suspect" | "polling" }
  /** The next try comes at `retryAt`, in milliseconds since the epoch. */
  | { readonly kind: "waiting"; readonly retryAt: number };

const GRAVITY: readonly Trouble["kind"][] = [
  "offline",
  "waiting",
  "retrying",
  "suspect",
  "polling",
];

/** The gravest trouble of all connections whose job still goes on; `undefined` if all is well. */
export function gravest(connections: readonly ConnectionState[]): Trouble | undefined {
  const troubles = connections.map(troubleOf).filter((trouble) => trouble !== undefined);
  return troubles.toSorted((a, b) => GRAVITY.indexOf(a.kind) - GRAVITY.indexOf(b.kind))[0];
}

function troubleOf({ status, attempt, retryAt }: ConnectionState): Trouble | undefined {
  switch (status) {
    case "offline":
    case "suspect":
    case "polling":
      return { kind: status };
    case "waiting":
      return { kind: "waiting", retryAt: retryAt ?? 0 };
    case "connecting":
      // The first try is not worth a word.
      return attempt > 0 ? { kind: "retrying" } : undefined;
    default:
      // What is closed is not coming back: the job's card says so.
      return undefined;
  }
}

/** Whole seconds until a moment, counted as people count down: 1 until it is there. */
export function secondsUntil(moment: number, now: number): number {
  return Math.max(1, Math.ceil((moment - now) / 1000));
}
