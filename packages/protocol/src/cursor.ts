/**
 * The position of a reader: `<epoch>.<version>`. A read returns what came *after* it (exclusive). Opaque to readers.
 *
 * @see docs/PROTOCOL.md, P15–P18
 */
export type Cursor = string;

/** The two parts of a cursor. */
export interface CursorParts {
  /** Random for each incarnation of a job; `[A-Za-z0-9_-]{1,40}`. */
  readonly epoch: string;
  /** The count of the job's writes; a safe integer from 0. */
  readonly version: number;
}

const CURSOR = /^[\w-]{1,40}\.(?:0|[1-9]\d{0,15})$/;

/** Prints a cursor: at most 57 ASCII characters. */
export function printCursor({ epoch, version }: CursorParts): Cursor {
  return `${epoch}.${version}`;
}

/**
 * Parses a cursor. Returns `undefined` for anything else, because a bad cursor means "start again" and is never an
 * error (P18).
 */
export function parseCursor(text: string | null | undefined): CursorParts | undefined {
  // Every change is parsed several times. A test and two slices take half of the time of a match with groups.
  if (typeof text !== "string" || !CURSOR.test(text)) return undefined;
  const dot = text.indexOf(".");
  const version = Number(text.slice(dot + 1));
  return Number.isSafeInteger(version) ? { epoch: text.slice(0, dot), version } : undefined;
}
