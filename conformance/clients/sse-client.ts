/** One event as a client delivers it. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
  /** The id that the client would send as `Last-Event-ID`, if there was one. */
  readonly id?: string | undefined;
}

/** The stream that a client follows, and where it delivers its events. */
export interface SseSource {
  /** Returns the URL of the next request. */
  url(): string;
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  onEvent(event: SseEvent): void;
  /** Called when the client fails in another way than by a connection that was cut. */
  onFault(fault: string): void;
}

/** An SSE client that is not ours. */
export interface SseClient {
  readonly name: string;
  /** The reason why it can't run on this machine. */
  readonly missing?: string | undefined;
  /** Whether each of its requests can have another URL. Otherwise it repeats the first one when it reconnects. */
  readonly sendsCursors: boolean;
  readonly setsHeaders: boolean;
  /** Follows the stream, over new connections if one is cut. @returns a function that stops it. */
  open(source: SseSource): Promise<() => Promise<void>>;
}

/** The events of a stream of many jobs. Some clients need a listener for each of them. */
export const EVENTS = [
  "hello",
  "listed",
  "snapshot",
  "progress",
  "log",
  "end",
  "refused",
  "ready",
  "heartbeat",
  "bye",
  "timeout",
] as const;
