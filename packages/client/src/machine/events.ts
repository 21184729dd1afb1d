import type { ProgressError } from "@emlinh/progress-protocol";

/** An event of one connection. It is ignored unless the connection is in use: current, successor or probe. */
type ConnectionEvent =
  /**
   * Bytes arrived on a stream. `delivers`: since the answer to the request itself, a heartbeat or a later change has
   * arrived. `healthy`: it delivers, and is old enough.
   */
  | { readonly kind: "alive"; readonly delivers: boolean; readonly healthy: boolean }
  /** Everything that a request for many jobs asked for has arrived. */
  | { readonly kind: "ready" }
  /** No byte arrived for half of the limit. */
  | { readonly kind: "silent" }
  /** A poll was answered. `unheld`: it asked to be held, and was answered at once with nothing new. */
  | { readonly kind: "polled"; readonly unheld: boolean }
  /** The server ended the stream and asks the client to come back. `floorMs`: the minimum wait. */
  | { readonly kind: "bye"; readonly floorMs: number }
  /** It failed; no retry helps unless the error is `retryable`. */
  | {
      readonly kind: "failed";
      readonly error: ProgressError;
      /** Whether the answer was silent, unreadable, or not a stream at all. */
      readonly strike: boolean;
      /** The minimum wait before the next attempt, in milliseconds. */
      readonly floorMs: number;
    };

/** Everything that can happen to a machine. */
export type MachineEvent =
  | (ConnectionEvent & { readonly connection: number })
  /** The first listener was added. */
  | { readonly kind: "start" }
  /** The last listener was removed. */
  | { readonly kind: "leave" }
  /** The job's end was received, or (with an error) the watch was stopped. */
  | { readonly kind: "close"; readonly error?: ProgressError }
  /** The open connection does not ask for everything that is wanted now. */
  | { readonly kind: "retarget" }
  /** The wait before the next attempt, between two polls, or until a paused page is asked for its state is over. */
  | { readonly kind: "retry-due" }
  /** It is time to try the stream while polls go on. */
  | { readonly kind: "probe-due" }
  /**
   * - `offline`: the page is there, and the device reports that it has no network.
   * - `pause`: the page was hidden or frozen.
   * - `check`: the page or the network is back, or the user asks for a check.
   *
   * `overdue`: by the clock, the current connection should have received bytes by now. Timers cannot report that after
   * the device was asleep.
   */
  | { readonly kind: "offline" | "pause" | "check"; readonly overdue: boolean };

/** Values that a pure reducer cannot read by itself. Every event carries them. */
export interface EventContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** 0 inclusive to 1 exclusive. */
  readonly random: number;
}
