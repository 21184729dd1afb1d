import type { RequestFailure } from "./failure.js";
import type { HttpRequest, HttpSettings } from "./http.js";

/** The settings of a client that every transport shares. All in milliseconds. */
export interface TransportSettings extends HttpSettings {
  /** The limit until the first event of a stream, or the answer of a poll that is not held. */
  readonly openTimeoutMs: number;
  /** The least silence that is allowed on a stream after its first event; the server's heartbeat may raise it (P36). */
  readonly minSilenceMs: number;
  /** The age at which a stream that delivers counts as healthy. */
  readonly healthyMs: number;
}

/**
 * - `answer`: belongs to the answer to the request, which a proxy may pass before it holds the rest.
 * - `ready`: ends the answer to a request for many jobs. `change`: came after the answer, so the stream delivers.
 * - `strange`: nothing that a server of this protocol sends.
 */
type Reading = "answer" | "ready" | "change" | "strange";

/** Interprets and applies the data of one request. Each request has a reader of its own. */
export interface AnswerReader {
  /** The data that it can read, for error messages. */
  readonly expected: string;
  /** Takes the data of an event, parsed. @returns `undefined` for an event that it does not know (P7). */
  readEvent(name: string, data: unknown): Reading | undefined;
  /**
   * Takes the answer to a poll, parsed; `undefined` for an answer without data.
   *
   * @returns whether it brought something new; `undefined` for an answer that is not one.
   */
  readPoll(data: unknown): boolean | undefined;
}

/** One request for progress. */
export interface TransportRequest extends HttpRequest, TransportSettings {
  /** How long the server is asked to hold a poll, in milliseconds; 0 for not at all. */
  readonly holdMs: number;
  readonly reader: AnswerReader;
  /** The server's time, in milliseconds since the epoch; 0 if it did not send one. */
  onServerTime(now: number): void;
  /** The server's minimum wait before the next attempt, in milliseconds (P41). */
  onRetry(retryMs: number): void;
  /** The moment by which bytes should have arrived, by the client's clock. The transport keeps it up to date. */
  expectBytesBy: number;
  report(event: TransportEvent): void;
}

/** The progress of one request. `polled`, `bye` and `failed` are the last event: the signal is aborted after them. */
export type TransportEvent =
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
  | RequestFailure;
