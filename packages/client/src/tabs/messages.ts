import {
  type Cursor,
  decodeJobDelta,
  decodeListed,
  decodeRefused,
  type ErrorCode,
  JOB_ID,
  type JobDelta,
  type Listed,
  MAX_LISTED_JOBS,
  ProgressError,
  parseCursor,
  type Refused,
  SUBJECT,
} from "@emlinh/progress-protocol";
import type { ConnectionState } from "../core/connection/connection-state.js";
import type { FeedTargets } from "../core/feed/feed.js";

/**
 * The time in which one page leads. The later term counts, so a page that was frozen while it led does no harm when it
 * goes on.
 */
export interface Term {
  /** Milliseconds since the epoch, and later than each earlier term that the leader knew. */
  readonly since: number;
  /** The leader. */
  readonly id: string;
}

/** A question of a follower: its targets, and what it has of them. It also shows whether the leader is alive. */
export interface Ask {
  readonly kind: "ask";
  readonly id: string;
  /** Counts the questions of the follower. */
  readonly count: number;
  readonly targets: FeedTargets;
  /** The cursors of the jobs that it has. */
  readonly cursors: { readonly [jobId: string]: Cursor };
  /** The tags of the lists that it has. */
  readonly seen: readonly string[];
  /** Whether the connection is to be checked at once. */
  readonly refresh: boolean;
}

/** A delta, and from where the leader had it: a reader whose cursor is not before `from` misses nothing. */
export interface SharedDelta extends JobDelta {
  /** `undefined` for none: the delta is a reset. */
  readonly from: Cursor | undefined;
}

/** A message of the leader: the answer to one follower, or changes for all. */
export interface Update {
  readonly kind: "update";
  readonly term: Term;
  /** The question that it answers. */
  readonly to: { readonly id: string; readonly count: number } | undefined;
  readonly listed: readonly Listed[];
  readonly deltas: readonly SharedDelta[];
  readonly refused: readonly Refused[];
  readonly connection: ConnectionState;
  /** Counts how often the connection brought everything; 0 while it has not yet. */
  readonly ready: number;
  /** The server's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** A message as it is cloned into other pages. An error loses its class there, so it is sent as its parts. */
export function encodeMessage(message: Ask | Update): unknown {
  if (message.kind === "ask") return message;
  const { error } = message.connection;
  if (!error) return message;
  const { code, message: text, retryable, status, details } = error;
  const parts = { code, message: text, retryable, status, details };
  return { ...message, connection: { ...message.connection, error: parts } };
}

/**
 * Reads a message of another page. Every script of the origin can send some, so each part is checked.
 *
 * @returns `undefined` if the value is not a message.
 */
export function decodeMessage(data: unknown): Ask | Update | undefined {
  if (!isObject(data)) return undefined;
  if (data.kind === "ask") return decodeAsk(data);
  return data.kind === "update" ? decodeUpdate(data) : undefined;
}

function decodeAsk({ id, count, cursors, seen, refresh, ...rest }: Parts): Ask | undefined {
  const targets = decodeTargets(rest.targets);
  if (!isString(id) || !isCount(count) || !targets || !isStrings(seen)) return undefined;
  if (!isObject(cursors) || typeof refresh !== "boolean") return undefined;
  if (!Object.values(cursors).every(isCursor)) return undefined;
  return {
    kind: "ask",
    id,
    count,
    targets,
    cursors: cursors as Ask["cursors"],
    seen,
    refresh,
  };
}

/** The server refuses a request that has one wrong target, and so for all pages. */
function decodeTargets(data: unknown): FeedTargets | undefined {
  if (!isObject(data)) return undefined;
  const { jobs, subjects, limit } = data;
  if (!areMatching(jobs, JOB_ID) || !areMatching(subjects, SUBJECT)) return undefined;
  if (!isCount(limit) || limit < 1 || limit > MAX_LISTED_JOBS) return undefined;
  return { jobs, subjects, limit };
}

function decodeUpdate({ term, to, ready, now, ...rest }: Parts): Update | undefined {
  if (!isObject(term) || !isString(term.id) || !isCount(term.since)) return undefined;
  if (!isCount(ready) || typeof now !== "number") return undefined;
  if (to !== undefined && !(isObject(to) && isString(to.id) && isCount(to.count))) return undefined;
  const listed = decodeEach(rest.listed, decodeListed);
  const deltas = decodeEach(rest.deltas, decodeSharedDelta);
  const refused = decodeEach(rest.refused, decodeRefused);
  const connection = decodeConnection(rest.connection);
  if (!listed || !deltas || !refused || !connection) return undefined;
  return {
    kind: "update",
    term: { since: term.since, id: term.id },
    to: to as Update["to"],
    listed,
    deltas,
    refused,
    connection,
    ready,
    now,
  };
}

function decodeSharedDelta(data: unknown): SharedDelta | undefined {
  if (!isObject(data) || !isObject(data.delta)) return undefined;
  const { job, delta, from } = data;
  const decoded = decodeJobDelta({ ...delta, job });
  if (!decoded || !(from === undefined || isCursor(from))) return undefined;
  return { ...decoded, from };
}

const STATUSES: readonly unknown[] = [
  "idle",
  "connecting",
  "live",
  "suspect",
  "waiting",
  "offline",
  "paused",
  "polling",
  "closed",
] satisfies readonly ConnectionState["status"][];

function decodeConnection(data: unknown): ConnectionState | undefined {
  if (!isObject(data)) return undefined;
  const { status, attempt, transport, retryAt } = data;
  if (!STATUSES.includes(status) || !isCount(attempt)) return undefined;
  if (transport !== "stream" && transport !== "poll") return undefined;
  const error = decodeError(data.error);
  return {
    status: status as ConnectionState["status"],
    attempt,
    transport,
    ...(typeof retryAt === "number" && { retryAt }),
    ...(error && { error }),
  };
}

function decodeError(data: unknown): ProgressError | undefined {
  if (!isObject(data) || !isString(data.code) || !isString(data.message)) return undefined;
  const { code, message, retryable, status, details } = data;
  return new ProgressError(code as ErrorCode, {
    message,
    retryable: retryable === true,
    ...(typeof status === "number" && { status }),
    ...(isObject(details) && { details: details as ProgressError["details"] }),
  });
}

/** @returns `undefined` unless each value of a list can be read. */
function decodeEach<T>(data: unknown, decode: (value: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(data)) return undefined;
  const values = data.map(decode).filter((value) => value !== undefined);
  return values.length === data.length ? (values as T[]) : undefined;
}

type Parts = { readonly [name: string]: unknown };

function isObject(value: unknown): value is Parts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isString);
}

function areMatching(value: unknown, pattern: RegExp): value is readonly string[] {
  return isStrings(value) && value.every((text) => pattern.test(text));
}

function isCursor(value: unknown): value is Cursor {
  return isString(value) && parseCursor(value) !== undefined;
}

/** Whether a value is an integer from 0 to which 1 can be added again and again. */
function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 52;
}
