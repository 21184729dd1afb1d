import type { RequestClient } from "../request-client.js";

export type { RequestClient } from "../request-client.js";

/**
 * The facts of a request that the core needs. Adapters fill them from their framework's request.
 *
 * @typeParam Raw - The framework's request.
 */
export interface RequestFacts<Raw = unknown> extends RequestClient {
  /** Upper case. */
  readonly method: string;
  /**
   * The path below the mount point, without the query: `/{jobId}`, `/{jobId}/status`. Percent-encoded as it was
   * received.
   */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The value of a header by its lower-case name. Several values are joined by `", "`. */
  header(name: string): string | undefined;
  /** The framework's own request, which is passed to `authorize`. */
  readonly raw: Raw;
  /**
   * Milliseconds of silence after which the runtime cuts a response; `undefined` for none. Heartbeats are then sent at
   * least twice as often, and polls are answered after half of it.
   */
  readonly maxSilenceMs?: number | undefined;
  /**
   * Reads the body of the request as text, once. Only reports of workers have one that is read.
   *
   * @throws ProgressError `too-large`, `request-timed-out`, `invalid-request`; `closed` if the client has left.
   */
  body?(limits: BodyLimits): Promise<string>;
}

/** The bounds of a request's body. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** Milliseconds that the whole body may take. */
  readonly timeoutMs: number;
}

/** The core's answer: a whole body, or a stream to subscribe to. */
export type Answer = BodyAnswer | StreamAnswer;

/** A status, headers and a whole body. */
export interface BodyAnswer {
  readonly kind: "body";
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** `null` for none (204, 304). */
  readonly body: string | null;
  /**
   * An adapter destroys the connection of a client that accepts no bytes of the body for this many milliseconds.
   * @defaultValue no limit
   */
  readonly stallMs?: number | undefined;
}

/** A status, headers, and frames to come. */
export interface StreamAnswer {
  readonly kind: "stream";
  readonly status: 200;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Begins to write frames into the sink, the first of them at once. Call it exactly once, after the status and headers
   * were sent, and within `stallMs` of the answer. After that, or if the client has left, the sink is ended at once. An
   * adapter whose client left before that calls it and then `closed()`, which gives the stream's slot back without
   * waiting for the limit.
   */
  subscribe(sink: Sink): Subscription;
}

/** The destination of a stream's frames: one response. */
export interface Sink {
  /**
   * Takes the bytes of whole frames. All subscribers share them, so they must not be changed.
   *
   * @returns `false` if the buffer is now full: nothing more is written until {@link Subscription.drained} is called.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * Takes the same as one chunk of the chunked coding of HTTP/1.1, in place of `write`: for an adapter that writes to
   * the socket of a response with `Transfer-Encoding: chunked`.
   */
  readonly writeChunk?: ((chunk: Uint8Array) => boolean) | undefined;
  /** The stream is over: send what is buffered, then end the response. Called at most once. */
  end(): void;
  /**
   * The reader took nothing for too long: drop what is buffered and destroy the connection. Called at most once:
   * instead of `end`, or after it if {@link Subscription.closed} does not follow.
   */
  destroy(): void;
}

/** The adapter's side of an open stream. */
export interface Subscription {
  /** The sink's buffer is empty again. */
  drained(): void;
  /**
   * The client is gone, or the response is over: call it after `end` too, once everything was sent. Until then the
   * stream keeps its slot. Idempotent.
   */
  closed(): void;
}
