import { type Change, isVisible } from "./change.js";
import { type Cursor, parseCursor, printCursor } from "./cursor.js";
import { DEFAULT_MAX_LOG_LINES, type Delta, type LogLine, newest } from "./delta.js";
import type { Fields } from "./fields.js";
import type { Json } from "./json.js";
import { isTerminal } from "./state.js";

/**
 * A job in memory: each field remembers the version that set it, so that the delta after any cursor is a comparison, not a replay.
 * Its size is that of the state, however many writes made it.
 */
export interface Ledger {
  readonly epoch: string;
  version: number;
  readonly fields: Map<string, { readonly value: Json; readonly version: number }>;
  /** The newest lines, oldest first. */
  log: readonly LogLine[];
}

/** A ledger to which nothing was written. */
export function emptyLedger(epoch: string): Ledger {
  return { epoch, version: 0, fields: new Map(), log: [] };
}

/** Where the ledger stands. */
export function cursorOf(ledger: Ledger): Cursor {
  return printCursor(ledger);
}

/** The value of one field. */
export function fieldOf(ledger: Ledger, field: string): Json | undefined {
  return ledger.fields.get(field)?.value;
}

/** Whether the job has ended. */
export function hasEnded(ledger: Ledger): boolean {
  return isTerminal(fieldOf(ledger, "status"));
}

/** All fields, without their versions. */
export function fieldsOf(ledger: Ledger): Fields {
  return Object.fromEntries([...ledger.fields].map(([field, { value }]) => [field, value]));
}

/** Writes one change as the next version (P3). A change that nobody can see raises none. */
export function writeLedger(
  ledger: Ledger,
  change: Pick<Change, "set" | "log">,
  maxLogLines: number = DEFAULT_MAX_LOG_LINES,
): void {
  if (!isVisible(change)) return;
  ledger.version += 1;
  const { version } = ledger;
  for (const [field, value] of Object.entries(change.set))
    ledger.fields.set(field, { value, version });
  if (change.log.length === 0) return;
  const lastN = ledger.log.at(-1)?.n ?? 0;
  // Frozen, since every reader is given the same lines.
  const lines = change.log.map((line, index) =>
    Object.freeze({ ...line, n: lastN + 1 + index, version }),
  );
  ledger.log = newest([...ledger.log, ...lines], maxLogLines);
}

/** What changed after a cursor; all of it if the cursor is none of this ledger's (P16–P18). */
export function readLedger(ledger: Ledger, after?: Cursor): Delta {
  const from = parseCursor(after);
  const reset = from === undefined || from.epoch !== ledger.epoch || from.version > ledger.version;
  if (reset)
    return {
      cursor: cursorOf(ledger),
      reset,
      set: fieldsOf(ledger),
      log: [...ledger.log],
    };
  const set: Record<string, Json> = {};
  if (from.version < ledger.version) {
    for (const [field, { value, version }] of ledger.fields)
      if (version > from.version) set[field] = value;
  }
  return {
    cursor: cursorOf(ledger),
    reset,
    set,
    log: ledger.log.filter((line) => line.version > from.version),
  };
}

/** A ledger that holds what a snapshot tells: a copy of a job that is kept elsewhere. */
export function ledgerOf(
  snapshot: Delta,
  maxLogLines: number = DEFAULT_MAX_LOG_LINES,
): Ledger | undefined {
  const at = parseCursor(snapshot.cursor);
  if (at === undefined || !snapshot.reset) return undefined;
  const ledger = emptyLedger(at.epoch);
  absorb(ledger, snapshot, maxLogLines);
  return ledger;
}

/**
 * Brings a copy forward by a delta that was read from its store. A field that changed at some version in between is marked with
 * the delta's own: a reader that stands between the two gets it once more, and never misses it.
 */
export function absorb(
  ledger: Ledger,
  delta: Delta,
  maxLogLines: number = DEFAULT_MAX_LOG_LINES,
): void {
  const at = parseCursor(delta.cursor);
  if (
    at === undefined ||
    at.epoch !== ledger.epoch ||
    (at.version <= ledger.version && ledger.version > 0)
  )
    return;
  ledger.version = at.version;
  for (const [field, value] of Object.entries(delta.set))
    ledger.fields.set(field, { value, version: at.version });
  const lastN = ledger.log.at(-1)?.n ?? 0;
  ledger.log = newest([...ledger.log, ...delta.log.filter((line) => line.n > lastN)], maxLogLines);
}
