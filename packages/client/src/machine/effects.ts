import type { Transport } from "./policy.js";

/** `retry`: the next attempt or poll. `probe`: the next try of the stream while polls go on. */
export type TimerName = "retry" | "probe";

/** Opens a request. */
export interface ConnectEffect {
  readonly run: "connect";
  readonly connection: number;
  readonly transport: Transport;
  /** How long the server is asked to hold a poll, in milliseconds; 0 for not at all. */
  readonly holdMs: number;
  /** Whether the headers must be fresh, because the server refused the last ones. */
  readonly refresh: boolean;
}

/** One thing that the driver has to do. It does nothing else. */
export type Effect =
  | ConnectEffect
  /** Aborts a request. Harmless if it has finished. */
  | { readonly run: "disconnect"; readonly connection: number }
  /** Sets a timer; replaces the earlier one of that name. */
  | { readonly run: "wait"; readonly timer: TimerName; readonly delayMs: number }
  /** Cancels every timer. */
  | { readonly run: "cancel-timers" }
  /** Starts to listen to the page and to jumps of the clock. */
  | { readonly run: "attach" }
  /** Listens to the page again, which reports its state; `check` if it reports nothing. */
  | { readonly run: "ask-page" }
  /** Stops to listen to them. */
  | { readonly run: "detach" };
