import type { Delta } from "./delta.js";

/** The version of docs/PROTOCOL.md that this code implements (P46). */
export const PROTOCOL_VERSION = 1;

/** The events that carry a delta and therefore an id (P31). */
export type DeltaEvent = "snapshot" | "progress" | "log" | "end";

/** All events of a stream. None is named `error`, because EventSource uses that name for the connection. */
export type WireEvent =
  | DeltaEvent
  | "hello"
  | "heartbeat"
  | "timeout"
  | "bye"
  // Only on a stream of many jobs (P65).
  | "listed"
  | "refused"
  | "ready";

/** The data of `hello`. */
export interface Hello {
  readonly protocol: number;
  /** Milliseconds between heartbeats. */
  readonly heartbeatMs: number;
  /** The cursor of the job's latest version. Absent on a stream of many jobs. */
  readonly cursor?: string;
  /** The store's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** The data of `heartbeat`. */
export interface Heartbeat {
  /** Absent on a stream of many jobs. */
  readonly cursor?: string;
  readonly now: number;
}

/** The data of `timeout`: the stream was idle for `idleMs`, or the job was removed. */
export interface Timeout {
  readonly scope: "stream" | "job";
  readonly idleMs: number;
}

/** The reason why the server ends a stream before the job's end. */
export type ByeReason = "drain" | "age" | "auth" | "slow" | "store";

/** The data of `bye`: the reader reconnects after `retryMs`, with its cursor. */
export interface Bye {
  readonly reason: ByeReason;
  readonly retryMs: number;
}

/** A delta as JSON. Members that are empty or false are left out. */
export type WireDelta = Pick<Delta, "cursor" | "set"> &
  Partial<Pick<Delta, "reset" | "log">> & { readonly done?: true };

/** The answer to a poll: a delta, and the store's time. */
export type PollReply = WireDelta & { readonly now: number };

/** The shortest form of a delta on the wire (P16, P19). */
export function toWire({ cursor, reset, set, log, done }: Delta): WireDelta {
  // Assignments, because this is done for each change, and spreads take several times as long.
  const wire: { -readonly [Name in keyof WireDelta]: WireDelta[Name] } = reset
    ? { cursor, reset, set }
    : { cursor, set };
  if (log.length > 0) wire.log = log;
  if (done) wire.done = done;
  return wire;
}

/** The event that carries a delta (P31). */
export function eventOf(delta: Delta): DeltaEvent {
  if (delta.done) return "end";
  if (delta.reset) return "snapshot";
  const onlyLog =
    delta.log.length > 0 && Object.keys(delta.set).every((field) => field === "updatedAt");
  return onlyLog ? "log" : "progress";
}
