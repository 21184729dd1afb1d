import {
  type Change,
  type Cursor,
  type Delta,
  type LogLine,
  type NewLogLine,
  parseCursor,
  printCursor,
} from "@emlinh/progress-protocol";
import type { Created, JobDraft } from "../../core/store.js";
import { idTaken, jobExpired, jobNotFound } from "../../shared/errors.js";
import { newEpoch } from "../../shared/ids.js";
import {
  checkWrite,
  dueAt,
  fieldsOfTransition,
  type JobTimes,
  leaseOf,
  type Transition,
  timesAtCreation,
  transitionOf,
} from "../../shared/lifecycle.js";
import { type Parcel, parcelOf } from "./encoded-change.js";
import type { SqliteStoreSettings } from "./options.js";
import type { JobRow, RawDelta } from "./rows.js";
import type { Statements } from "./statements.js";
import type { Transaction } from "./write-queue.js";

/** What is done to jobs: each verb gives the work for one transaction. */
export interface SqliteJobs {
  create(draft: JobDraft): (transaction: Transaction) => Created;
  write(jobId: string, change: Change): (transaction: Transaction) => Cursor;
  /** Does what is due, to so many jobs at most; tells what was done to each. */
  sweep(
    now: number,
    limit: number,
  ): (transaction: Transaction) => readonly (Transition | undefined)[];
}

/** Lines over `maxLogLines` that may wait until they are dropped: to drop each at once would cost more. */
const TRIM_EVERY = 32;

/** The rules of the store, over its tables. */
export function sqliteJobs(settings: SqliteStoreSettings): SqliteJobs {
  const { clock, maxLogLines, tombstoneTtlMs } = settings;

  /** The one way in which a job changes, and its row is written. */
  function put(
    { statements, change, wakeLater }: Transaction,
    row: JobRow,
    { parcel, now, lease }: Putting,
  ): JobRow {
    const { visible, lineCount } = parcel;
    const version = row.version + (visible ? 1 : 0);
    const times: JobTimes = {
      ...row.times,
      ...lease,
      stale: parcel.stale ?? row.times.stale,
      writtenAt: now,
      ...(parcel.ends && { endedAt: now, leaseUntil: undefined }),
    };
    const next: JobRow = {
      ...row,
      version,
      lines: row.lines + lineCount,
      status: parcel.status ?? row.status,
      attempt: parcel.begins ?? row.attempt,
      times,
      dueAt: dueAt(times, settings),
      changed: visible ? change() : row.changed,
    };
    statements.updateJob(next);
    if (!visible) return next;
    for (const [name, json] of parcel.fields) statements.setField(row.job, name, version, json);
    statements.setField(row.job, "updatedAt", version, JSON.stringify(now));
    if (parcel.lines !== undefined) append(statements, row, next, parcel.lines);
    // The first version is that of a creation: readers of an earlier job with this id can't compare theirs.
    wakeLater(row.id, version > 1 ? version : undefined);
    return next;
  }

  function append(statements: Statements, row: JobRow, next: JobRow, lines: string): void {
    statements.addLines(next.job, next.version, next.lines, lines);
    const dropped = next.lines - maxLogLines;
    if (dropped > 0 && Math.floor(next.lines / TRIM_EVERY) > Math.floor(row.lines / TRIM_EVERY))
      statements.trimLines(next.job, dropped);
  }

  function remove({ statements, change, wakeLater }: Transaction, row: JobRow, now: number): void {
    statements.deleteFields(row.job);
    statements.deleteLines(row.job);
    statements.buryJob(now, change(), row.job);
    wakeLater(row.id);
  }

  function settle(transaction: Transaction, row: JobRow, now: number): Transition | undefined {
    const fate = transitionOf(row.times, settings, now);
    if (fate === "expired") remove(transaction, row, now);
    else if (fate !== undefined)
      put(transaction, row, {
        parcel: parcelOf({ set: fieldsOfTransition(fate, now), log: [] }),
        now,
      });
    // Written by a process with shorter TTLs: it is due later.
    else transaction.statements.updateJob({ ...row, dueAt: dueAt(row.times, settings) });
    return fate;
  }

  return {
    create({ id, key, set, deadlineMs }) {
      const parcel = parcelOf({ set, log: [] });
      // As JSON, since drivers end a text at its first NUL, and can't tell one lone surrogate from another.
      const keyText = key === undefined ? null : JSON.stringify(key);
      return (transaction) => {
        const { statements, change } = transaction;
        const known = keyText === null ? undefined : statements.jobByKey(keyText);
        if (known !== undefined)
          return { jobId: known.id, cursor: printCursor(known), created: false };
        const taken = statements.jobById(id);
        if (taken !== undefined && taken.removedAt === undefined) throw idTaken(id);
        if (taken !== undefined) statements.deleteJob(taken.job);
        const now = clock();
        statements.insertJob(newRow(id, deadlineMs, now, change()), keyText);
        const row = statements.jobById(id);
        if (row === undefined) throw new Error(`The job "${id}" isn't there after its insertion.`);
        const createdAt = ["createdAt", JSON.stringify(now)] as const;
        const fields = [...parcel.fields, createdAt];
        const { epoch, version } = put(transaction, row, {
          parcel: { ...parcel, fields, visible: true },
          now,
        });
        return { jobId: id, cursor: printCursor({ epoch, version }), created: true };
      };
    },

    write(jobId, change) {
      const plain = parcelOf(change);
      const { leaseMs } = plain;
      return (transaction) => {
        const row = transaction.statements.jobById(jobId);
        if (row === undefined) throw jobNotFound(jobId);
        if (row.removedAt !== undefined) throw jobExpired(jobId);
        const ended = row.times.endedAt === undefined ? undefined : String(row.status);
        checkWrite({ id: row.id, ended, attempt: row.attempt }, change);
        const now = clock();
        // A worker that reports is no longer stale.
        const parcel = row.times.stale && leaseMs !== undefined ? revived(plain) : plain;
        const lease = leaseOf(leaseMs, now);
        return printCursor(put(transaction, row, { parcel, now, lease }));
      };
    },

    sweep: (now, limit) => (transaction) => {
      const { statements } = transaction;
      statements.forgetRemoved(now - tombstoneTtlMs, limit);
      return statements.jobsDue(now, limit).map((row) => settle(transaction, row, now));
    },
  };
}

/** How {@link SqliteJobs} writes a parcel. */
interface Putting {
  readonly parcel: Parcel;
  readonly now: number;
  readonly lease?: Partial<JobTimes>;
}

/**
 * What came after a cursor, as a reader is told.
 *
 * @throws ProgressError `job-expired`
 */
export function readJob(
  { head, delta }: Statements,
  { jobId, after, maxLogLines }: { jobId: string; after: Cursor | undefined; maxLogLines: number },
): Delta | undefined {
  const from = parseCursor(after);
  // Most readers have it all: for them it is one look into one index.
  const at = from && head(jobId);
  if (at && !at.removed && at.epoch === from.epoch && at.version === from.version)
    return { cursor: printCursor(at), reset: false, set: {}, log: [], done: false };
  // No epoch is empty: without a cursor all of it is told.
  const raw = delta(jobId, from?.epoch ?? "", from?.version ?? 0);
  if (raw === undefined) return undefined;
  if (raw.removed) throw jobExpired(jobId);
  return {
    cursor: printCursor(raw),
    reset: from === undefined || from.epoch !== raw.epoch || from.version > raw.version,
    set: Object.fromEntries(raw.fields.map(({ name, json }) => [name, JSON.parse(json)])),
    log: linesOf(raw, maxLogLines),
    done: false,
  };
}

function linesOf({ batches, lines }: RawDelta, maxLogLines: number): readonly LogLine[] {
  return batches
    .flatMap(({ version, lastN, json }) => {
      const batch = JSON.parse(json) as readonly NewLogLine[];
      const before = lastN - batch.length;
      return batch.map((line, index) => ({ ...line, n: before + index + 1, version }));
    })
    .filter(({ n }) => n > lines - maxLogLines);
}

function newRow(
  id: string,
  deadlineMs: number | undefined,
  now: number,
  change: number,
): Omit<JobRow, "job"> {
  return {
    id,
    epoch: newEpoch(),
    version: 0,
    lines: 0,
    status: undefined,
    attempt: 1,
    times: timesAtCreation(now, deadlineMs),
    removedAt: undefined,
    dueAt: Number.POSITIVE_INFINITY,
    born: change,
    changed: change,
  };
}

function revived(parcel: Parcel): Parcel {
  return {
    ...parcel,
    visible: true,
    stale: false,
    fields: [...parcel.fields, ["stale", JSON.stringify(false)]],
  };
}
