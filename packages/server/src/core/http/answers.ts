import type { Cursor } from "@emlinh/progress-protocol";
import type { BodyAnswer, Sink, StreamAnswer, Subscription } from "./types.js";

/** On every answer (P40). Never `Connection`, which HTTP/2 forbids. */
const COMMON_HEADERS = {
  "cache-control": "no-store, no-transform",
  "x-content-type-options": "nosniff",
  vary: "Accept, Authorization, Cookie, Last-Event-ID",
} as const;

interface JsonBody {
  /** @defaultValue `"application/json"` */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A status with a JSON body. */
export function bodyAnswer(
  status: number,
  { type = "application/json", headers, body }: JsonBody,
): BodyAnswer {
  return {
    kind: "body",
    status,
    headers: { ...COMMON_HEADERS, "content-type": `${type}; charset=utf-8`, ...headers },
    body: JSON.stringify(body),
  };
}

/** A status without a body: 204, 304. */
export function emptyAnswer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
): BodyAnswer {
  return { kind: "body", status, headers: { ...COMMON_HEADERS, ...headers }, body: null };
}

const STREAM_HEADERS = {
  ...COMMON_HEADERS,
  "content-type": "text/event-stream; charset=utf-8",
  // Without it nginx buffers frames until its buffer is full.
  "x-accel-buffering": "no",
} as const;

/** A stream (P30, P40). */
export function streamAnswer(subscribe: (sink: Sink) => Subscription): StreamAnswer {
  return { kind: "stream", status: 200, headers: STREAM_HEADERS, subscribe };
}

/** The answer to HEAD for a stream: its headers. */
export function streamHead(): BodyAnswer {
  return { kind: "body", status: 200, headers: STREAM_HEADERS, body: null };
}

/** The answer to HEAD: that to GET without its body. */
export function headOf(answer: BodyAnswer): BodyAnswer {
  return { ...answer, body: null };
}

/** The entity tag of a job's state (P25). It is weak, since `now` differs from answer to answer. */
export function etagOf(cursor: Cursor): string {
  return `W/"${cursor}"`;
}

/** Whether an `If-None-Match` header names the tag of a cursor, by the weak comparison of RFC 9110. */
export function matchesEtag(ifNoneMatch: string | undefined, cursor: Cursor): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""))
    .some((tag) => tag === "*" || tag === `"${cursor}"`);
}
