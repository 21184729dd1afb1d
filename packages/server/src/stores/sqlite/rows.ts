import type { Hold, JobTimes } from "../../shared/lifecycle.js";
import type { EncodedField } from "./encoded-change.js";
import type { SqliteValue } from "./options.js";

/** The row of a job, or the tombstone of a removed one. */
export interface JobRow {
  readonly job: number;
  readonly id: string;
  readonly epoch: string;
  readonly version: number;
  /** Log lines that the job ever had. */
  readonly lines: number;
  /** Numbers of lines that were skipped, because their lines were lost before they could be written. */
  readonly lostLines: number;
  readonly status: string | undefined;
  readonly attempt: number;
  readonly hold: Hold | undefined;
  readonly times: JobTimes;
  readonly removedAt: number | undefined;
  readonly dueAt: number;
  /** The number of the transaction that created the job. */
  readonly createdIn: number;
  /** The number of the last transaction that changed what readers see. */
  readonly changedIn: number;
}

/** The cursor and the state of a job, without its data. */
export interface Head {
  readonly epoch: string;
  readonly version: number;
  readonly removed: boolean;
  /** Whether the job has ended. */
  readonly done: boolean;
}

/** The changes after a version, as stored JSON. */
export interface StoredChanges extends Head {
  readonly fields: readonly EncodedField[];
  /** One entry per write that appended lines, in order. */
  readonly batches: readonly {
    readonly version: number;
    readonly lastN: number;
    readonly json: string;
  }[];
}

/** A job that a transaction changed or removed. */
export interface ChangedJob {
  readonly id: string;
  readonly version: number;
  readonly removed: boolean;
  readonly createdIn: number;
}

/** The columns of {@link valuesOf}. */
export const JOB_COLUMNS: string = [
  "epoch, version, lines, lost_lines, status, attempt, hold_token, hold_count, hold_since",
  "stale, lease_until, lease_ms, deadline_at, written_at, ended_at, removed_at, due_at, created_in, changed_in",
].join(", ");

/** A row by column. Some drivers can be configured to return numbers as `bigint`. */
export type Row = Readonly<Record<string, unknown>>;

/** Reads a row of {@link JOB_COLUMNS}, with `job` and `id`. */
export function jobRow(row: Row): JobRow {
  return {
    job: Number(row.job),
    id: String(row.id),
    epoch: String(row.epoch),
    version: Number(row.version),
    lines: Number(row.lines),
    lostLines: Number(row.lost_lines),
    status: row.status === null ? undefined : String(row.status),
    attempt: numberOr(row.attempt, 1),
    hold: holdOf(row),
    times: {
      stale: Number(row.stale) === 1,
      leaseUntil: numberOr(row.lease_until, undefined),
      leaseMs: Number(row.lease_ms),
      deadlineAt: numberOr(row.deadline_at, undefined),
      writtenAt: Number(row.written_at),
      endedAt: numberOr(row.ended_at, undefined),
    },
    removedAt: numberOr(row.removed_at, undefined),
    dueAt: numberOr(row.due_at, Number.POSITIVE_INFINITY),
    createdIn: Number(row.created_in),
    changedIn: Number(row.changed_in),
  };
}

function holdOf(row: Row): Hold | undefined {
  if (row.hold_token === null) return undefined;
  return {
    token: String(row.hold_token),
    count: Number(row.hold_count),
    since: Number(row.hold_since),
  };
}

/** The values of a job's row, in the order of {@link JOB_COLUMNS}. */
export function valuesOf({ times, hold, ...row }: Omit<JobRow, "job">): SqliteValue[] {
  return [
    row.epoch,
    row.version,
    row.lines,
    row.lostLines,
    row.status ?? null,
    row.attempt,
    hold?.token ?? null,
    hold?.count ?? null,
    hold?.since ?? null,
    times.stale ? 1 : 0,
    times.leaseUntil ?? null,
    times.leaseMs,
    times.deadlineAt ?? null,
    times.writtenAt,
    times.endedAt ?? null,
    row.removedAt ?? null,
    Number.isFinite(row.dueAt) ? row.dueAt : null,
    row.createdIn,
    row.changedIn,
  ];
}

/** Reads a row of `epoch`, `version`, `removed_at` and `ended_at`. */
export function headOf(row: Row): Head {
  return {
    epoch: String(row.epoch),
    version: Number(row.version),
    removed: row.removed_at !== null,
    done: row.ended_at !== null,
  };
}

/**
 * Reads the rows of a delta: those of kind 0 are the job's head, of kind 1 a field, of kind 2 the lines of one write.
 *
 * @returns `undefined` if there is no head, because no such job is known.
 */
export function storedChanges(rows: readonly Row[]): StoredChanges | undefined {
  const head = rows.find(({ kind }) => Number(kind) === 0);
  if (head === undefined) return undefined;
  return {
    ...headOf(head),
    fields: rows
      .filter(({ kind }) => Number(kind) === 1)
      .map(({ name, json }) => [String(name), String(json)]),
    batches: rows
      .filter(({ kind }) => Number(kind) === 2)
      .map(({ version, n, json }) => ({
        version: Number(version),
        lastN: Number(n),
        json: String(json),
      }))
      // A UNION does not keep any order.
      .sort((a, b) => a.lastN - b.lastN),
  };
}

/** A number, or `absent` for NULL. */
export function numberOr<Absent>(value: unknown, absent: Absent): number | Absent {
  return value === null || value === undefined ? absent : Number(value);
}
