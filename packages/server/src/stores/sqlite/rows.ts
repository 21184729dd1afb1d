import type { JobTimes } from "../../shared/lifecycle.js";
import type { SqliteValue } from "./options.js";

/** A job's row, or what is left of a removed job. */
export interface JobRow {
  readonly job: number;
  readonly id: string;
  readonly epoch: string;
  readonly version: number;
  /** Log lines that it ever had. */
  readonly lines: number;
  readonly status: string | undefined;
  readonly attempt: number;
  readonly times: JobTimes;
  readonly removedAt: number | undefined;
  readonly dueAt: number;
  /** The transaction that made it, and the one that last changed what readers see. */
  readonly born: number;
  readonly changed: number;
}

/** Where a job stands, for those who may have it all. */
export interface Head {
  readonly epoch: string;
  readonly version: number;
  readonly removed: boolean;
}

/** What came after a version: JSON as it is stored. */
export interface RawDelta {
  readonly epoch: string;
  readonly version: number;
  /** Log lines that the job ever had. */
  readonly lines: number;
  readonly removed: boolean;
  readonly fields: readonly { readonly name: string; readonly json: string }[];
  /** The lines of one write each, in order. */
  readonly batches: readonly {
    readonly version: number;
    readonly lastN: number;
    readonly json: string;
  }[];
}

/** A job that was changed, as readers need to know it. */
export interface Changed {
  readonly id: string;
  readonly version: number;
  readonly removed: boolean;
  readonly born: number;
}

/** The columns of {@link valuesOf}. */
export const JOB_COLUMNS: string =
  "epoch, version, lines, status, attempt, stale, lease_until, lease_ms, deadline_at, written_at, ended_at, removed_at, due_at, born, changed";

/** Numbers may come as `bigint`: some drivers can be set so. */
export type Row = Readonly<Record<string, unknown>>;

/** Reads a row of all columns. */
export function jobRow(row: Row): JobRow {
  return {
    job: Number(row.job),
    id: String(row.id),
    epoch: String(row.epoch),
    version: Number(row.version),
    lines: Number(row.lines),
    status: row.status === null ? undefined : String(row.status),
    attempt: timeOr(row.attempt, 1),
    times: {
      stale: Number(row.stale) === 1,
      leaseUntil: timeOr(row.lease_until, undefined),
      leaseMs: Number(row.lease_ms),
      deadlineAt: timeOr(row.deadline_at, undefined),
      writtenAt: Number(row.written_at),
      endedAt: timeOr(row.ended_at, undefined),
    },
    removedAt: timeOr(row.removed_at, undefined),
    dueAt: timeOr(row.due_at, Number.POSITIVE_INFINITY),
    born: Number(row.born),
    changed: Number(row.changed),
  };
}

/** What a job's row holds, in the order of {@link JOB_COLUMNS}. */
export function valuesOf({ times, ...row }: Omit<JobRow, "job">): SqliteValue[] {
  return [
    row.epoch,
    row.version,
    row.lines,
    row.status ?? null,
    row.attempt,
    times.stale ? 1 : 0,
    times.leaseUntil ?? null,
    times.leaseMs,
    times.deadlineAt ?? null,
    times.writtenAt,
    times.endedAt ?? null,
    row.removedAt ?? null,
    Number.isFinite(row.dueAt) ? row.dueAt : null,
    row.born,
    row.changed,
  ];
}

/** Sorts the rows of a delta out. */
export function rawDelta(rows: readonly Row[]): RawDelta | undefined {
  const head = rows.find(({ kind }) => Number(kind) === 0);
  if (head === undefined) return undefined;
  return {
    epoch: String(head.text),
    version: Number(head.version),
    lines: Number(head.n),
    removed: head.name !== null,
    fields: rows
      .filter(({ kind }) => Number(kind) === 1)
      .map(({ name, text }) => ({ name: String(name), json: String(text) })),
    batches: rows
      .filter(({ kind }) => Number(kind) === 2)
      .map(({ version, n, text }) => ({
        version: Number(version),
        lastN: Number(n),
        json: String(text),
      }))
      // A union promises no order.
      .sort((a, b) => a.lastN - b.lastN),
  };
}

/** A number that may not be there. */
export function timeOr<Absent>(value: unknown, absent: Absent): number | Absent {
  return value === null || value === undefined ? absent : Number(value);
}
