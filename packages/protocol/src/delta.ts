import { type Cursor, parseCursor } from "./cursor.js";
import type { Fields } from "./fields.js";
import type { Json } from "./json.js";
import { isTerminal } from "./state.js";

/** How serious a log line is. */
export type LogLevel = "info" | "warn" | "error";

/** A line that a person reads: appended, never merged (P8). */
export interface LogLine {
  /** Counts the job's lines from 1 without a gap: a gap in what a reader holds is what was dropped (P9). */
  readonly n: number;
  /** The version of the write that appended it. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly level: LogLevel;
  readonly text: string;
  readonly data?: Json;
}

/**
 * What changed after a cursor: the one answer to everything that a reader asks.
 *
 * @see docs/PROTOCOL.md, P16–P21
 */
export interface Delta {
  /** The cursor to ask with next. */
  readonly cursor: Cursor;
  /** Whether this is the whole state, and replaces all that the reader had. */
  readonly reset: boolean;
  /** The fields that changed, each whole. */
  readonly set: Fields;
  /** The lines that were appended, oldest first. */
  readonly log: readonly LogLine[];
}

/** A reader's copy of a job: the merge of the deltas that it was given, the first of them a reset. */
export interface Snapshot extends Delta {
  readonly reset: true;
}

/** Log lines kept per job, in stores and in readers (P9). */
export const DEFAULT_MAX_LOG_LINES = 200;

/** Whether a delta tells nothing new. A reset always does. */
export function isEmpty(delta: Delta): boolean {
  return !delta.reset && delta.log.length === 0 && Object.keys(delta.set).length === 0;
}

/** Whether the job has ended, as far as this delta tells (P19). */
export function isEnd(delta: Delta): boolean {
  return isTerminal(delta.set.status);
}

/**
 * Merges two deltas in a row into the one that does the same: last write wins per field, exactly and associatively (P20).
 *
 * @param maxLogLines - Lines kept, the newest.
 */
export function merge(
  earlier: Delta,
  later: Delta,
  maxLogLines: number = DEFAULT_MAX_LOG_LINES,
): Delta {
  const { reset, set, log } = later.reset ? { reset: true, set: {}, log: [] } : earlier;
  const lastN = log.at(-1)?.n ?? 0;
  const lines = [...log, ...later.log.filter((line) => line.n > lastN)];
  return {
    cursor: later.cursor,
    reset,
    set: { ...set, ...later.set },
    log: newest(lines, maxLogLines),
  };
}

/**
 * Brings a reader's copy forward by one delta. A delta that the copy already holds changes nothing (P21), and neither does one
 * without a reset for a reader that holds nothing.
 */
export function apply(
  snapshot: Snapshot | undefined,
  delta: Delta,
  maxLogLines: number = DEFAULT_MAX_LOG_LINES,
): Snapshot | undefined {
  if (!delta.reset && (snapshot === undefined || !isNewer(delta.cursor, snapshot.cursor)))
    return snapshot;
  const base: Delta = snapshot ?? delta;
  return { ...merge(base, delta, maxLogLines), reset: true };
}

/** The newest lines, as many as are kept. */
export function newest<Line>(log: readonly Line[], maxLogLines: number): readonly Line[] {
  return log.length > maxLogLines ? log.slice(log.length - maxLogLines) : log;
}

function isNewer(cursor: Cursor, than: Cursor): boolean {
  const [next, last] = [parseCursor(cursor), parseCursor(than)];
  // Another epoch without a reset can't be placed; a server never sends it, so it isn't taken.
  return (
    next !== undefined &&
    last !== undefined &&
    next.epoch === last.epoch &&
    next.version > last.version
  );
}
