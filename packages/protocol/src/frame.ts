import type { Cursor } from "./cursor.js";
import type { Delta } from "./delta.js";
import { type Listed, type Refused, toJobWire } from "./many.js";
import {
  type Bye,
  eventOf,
  type Heartbeat,
  type Hello,
  type Timeout,
  toWire,
  type WireEvent,
} from "./wire.js";

interface Frame {
  readonly event: WireEvent;
  readonly data: unknown;
  readonly id?: Cursor;
  /** Milliseconds, a whole number. */
  readonly retryMs?: number;
}

/**
 * One SSE event as text (P33).
 *
 * [spec] CR, LF and CRLF each end a line; U+2028 does not. `JSON.stringify` escapes CR, LF, NUL and lone surrogates,
 * the event name is one of the protocol's, and a cursor is printed from checked parts, so no value can end a line.
 */
function frame({ event, data, id, retryMs }: Frame): string {
  const retry = retryMs === undefined ? "" : `retry: ${Math.round(retryMs)}\n`;
  const lastId = id === undefined ? "" : `id: ${id}\n`;
  return `${retry}${lastId}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A delta as an event, with its cursor as the id (P31, P32). */
export function deltaFrame(delta: Delta): string {
  return frame({
    event: eventOf(delta),
    id: delta.cursor,
    data: toWire(delta),
  });
}

/** The delta of one of many jobs as an event. It has no id: a stream of many jobs has no single cursor (P65). */
export function jobDeltaFrame(job: string, delta: Delta): string {
  return frame({ event: eventOf(delta), data: toJobWire(job, delta) });
}

/** The list of a subject (P65). */
export function listedFrame(listed: Listed): string {
  return frame({ event: "listed", data: listed });
}

/** A job or a subject that the reader does not get (P66). */
export function refusedFrame(refused: Refused): string {
  return frame({ event: "refused", data: refused });
}

/** The answer to a request for many jobs is complete (P65). @param now - The store's time. */
export function readyFrame(now: number): string {
  return frame({ event: "ready", data: { now } });
}

/** The first frame of a stream. It also sets the reader's reconnection time (P30). */
export function helloFrame(hello: Hello, retryMs: number): string {
  return frame({ event: "hello", data: hello, retryMs });
}

/** A heartbeat. It has no id, because an id would advance a reader's cursor without the data (P32). */
export function heartbeatFrame(heartbeat: Heartbeat): string {
  return frame({ event: "heartbeat", data: heartbeat });
}

/** The end of a stream on which nothing changed for a long time, or whose job was removed (P37). */
export function timeoutFrame(timeout: Timeout): string {
  return frame({ event: "timeout", data: timeout });
}

/** Asks the reader to reconnect (P38). A native EventSource does not read the data, so `retry:` says the same. */
export function byeFrame(bye: Bye): string {
  return frame({ event: "bye", data: bye, retryMs: bye.retryMs });
}
