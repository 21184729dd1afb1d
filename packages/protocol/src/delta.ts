import type { Cursor } from "./cursor.js";
import type { Fields } from "./fields.js";
import type { Json } from "./json.js";

/** The severity of a log line. */
export type LogLevel = "info" | "warn" | "error";

/** A line for people to read: appended, and never merged with another (P8). */
export interface LogLine {
  /**
   * Counts the job's lines from 1. A gap in what a reader holds is the number of lines that were dropped (P9).
   */
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
 * The changes after a cursor: the one answer to everything that a reader asks.
 *
 * @see docs/PROTOCOL.md, P16–P21
 */
export interface Delta {
  /** The cursor to ask with next. */
  readonly cursor: Cursor;
  /** Whether this is the whole state and replaces everything that the reader had. */
  readonly reset: boolean;
  /** The fields that changed, each whole. */
  readonly set: Fields;
  /** The lines that were appended, oldest first. */
  readonly log: readonly LogLine[];
  /** Whether the job has ended (P19). True in an empty delta too, once the reader has the end. */
  readonly done: boolean;
}

/** Log lines kept per job, in stores and in readers (P9). */
export const DEFAULT_MAX_LOG_LINES = 200;

/** Whether a delta brings nothing new. A reset always does. */
export function isEmpty(delta: Delta): boolean {
  return !delta.reset && delta.log.length === 0 && Object.keys(delta.set).length === 0;
}
