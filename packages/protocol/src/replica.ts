import { type Change, isVisible } from "./change.js";
import { type Cursor, parseCursor, printCursor } from "./cursor.js";
import { DEFAULT_MAX_LOG_LINES, type Delta, type LogLine } from "./delta.js";
import type { Fields } from "./fields.js";
import type { Json } from "./json.js";
import { isTerminal } from "./state.js";

/**
 * A copy of one job, kept by deltas. Each field remembers the version that set it, so that the delta after any cursor
 * is a comparison, not a replay. Its size is that of the job's state, however many deltas it was given.
 *
 * Only {@link applyDelta} changes it.
 */
export interface Replica {
  /** Empty until the first reset was applied. */
  epoch: string;
  version: number;
  /** The cursor to ask with next: the two above, printed once. */
  cursor: Cursor;
  readonly fields: Map<string, { readonly value: Json; readonly version: number }>;
  /** The newest lines, oldest first. A new array after each change. */
  log: readonly LogLine[];
  /** Whether the job has ended. */
  done: boolean;
}

/** The outcome of {@link applyDelta}. */
export type Applied =
  /** The replica advanced by what the delta sets. */
  | "advanced"
  /** The delta replaced everything: the first snapshot, or another epoch of the job. */
  | "reset"
  /** The replica already holds what the delta brings (P21). It did not change. */
  | "known"
  /** The delta belongs to another epoch and is no reset, so the whole state is needed. The replica did not change. */
  | "unknown-epoch";

/** A replica without data. It accepts a reset only, unless it is given the epoch of a job that has no version yet. */
export function emptyReplica(epoch = ""): Replica {
  return { epoch, version: 0, cursor: `${epoch}.0`, fields: new Map(), log: [], done: false };
}

/**
 * Advances a replica by one delta: the last write wins per field, lines are appended once each. This is the only
 * function that applies deltas; the hub, the client and the stores that keep jobs in memory call it.
 *
 * A field that the delta sets gets the delta's own version. If it changed at an earlier one, a reader between the two
 * is given the field once more, and never misses it.
 *
 * @param maxLogLines - Lines kept, the newest.
 * @see docs/PROTOCOL.md, P20 and P21
 */
export function applyDelta(
  replica: Replica,
  delta: Delta,
  maxLogLines: number = DEFAULT_MAX_LOG_LINES,
): Applied {
  const to = parseCursor(delta.cursor);
  if (to === undefined || (!delta.reset && to.epoch !== replica.epoch)) return "unknown-epoch";
  if (delta.reset) clear(replica);
  else if (to.version <= replica.version) return "known";
  replica.epoch = to.epoch;
  replica.version = to.version;
  replica.cursor = delta.cursor;
  replica.done = delta.done;
  for (const [field, value] of Object.entries(delta.set))
    replica.fields.set(field, { value, version: to.version });
  if (delta.log.length > 0) append(replica, delta.log, maxLogLines);
  return delta.reset ? "reset" : "advanced";
}

function append(replica: Replica, lines: readonly LogLine[], maxLogLines: number): void {
  const lastN = lastNumber(replica);
  const added = lines.filter((line) => line.n > lastN);
  if (added.length > 0) replica.log = [...replica.log, ...added].slice(-maxLogLines);
}

/** The number of the last line; 0 without lines. */
function lastNumber({ log }: Replica): number {
  return log[log.length - 1]?.n ?? 0;
}

function clear(replica: Replica): void {
  replica.fields.clear();
  replica.log = [];
}

/** The value of one field, or `undefined` if it was never set. */
export function fieldValue(replica: Replica, field: string): Json | undefined {
  return replica.fields.get(field)?.value;
}

/** All fields, without their versions. */
export function replicaFields(replica: Replica): Fields {
  const fields: Record<string, Json> = {};
  for (const [field, { value }] of replica.fields) fields[field] = value;
  return fields;
}

/** The changes after a cursor, or the whole state if the cursor is not one of this replica's (P16–P19). */
export function deltaAfter(replica: Replica, after?: Cursor): Delta {
  const from = parseCursor(after);
  const { cursor, done } = replica;
  if (from === undefined || from.epoch !== replica.epoch || from.version > replica.version)
    return { cursor, reset: true, set: replicaFields(replica), log: [...replica.log], done };
  // A poll of a job at rest costs no look at its fields.
  if (from.version === replica.version) return { cursor, reset: false, set: {}, log: [], done };
  const set: Record<string, Json> = {};
  for (const [field, { value, version }] of replica.fields)
    if (version > from.version) set[field] = value;
  const log = replica.log.filter((line) => line.version > from.version);
  return { cursor, reset: false, set, log, done };
}

/**
 * The delta that a change makes of a job kept in memory: its next version, with the lines numbered (P3, P8).
 * `undefined` for a change that readers can't see, which raises no version.
 */
export function deltaOfChange(
  replica: Replica,
  { set, log, lostLines = 0 }: Pick<Change, "set" | "log" | "lostLines">,
): Delta | undefined {
  if (!isVisible({ set, log })) return undefined;
  const version = replica.version + 1;
  const lastN = lastNumber(replica) + lostLines;
  return {
    cursor: printCursor({ epoch: replica.epoch, version }),
    reset: false,
    set,
    // Frozen, because all readers share the lines.
    log: log.map((line, index) => Object.freeze({ ...line, n: lastN + 1 + index, version })),
    done: replica.done || isTerminal(set.status),
  };
}
