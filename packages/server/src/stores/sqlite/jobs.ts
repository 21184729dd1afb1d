import { type Change, printCursor } from "@emlinh/progress-protocol";
import type { Created, JobDraft, Written } from "../../core/store.js";
import { idTaken, jobExpired, jobNotFound } from "../../shared/errors.js";
import { newEpoch } from "../../shared/ids.js";
import {
  checkWrite,
  dueAt,
  fieldsOfTransition,
  leaseOf,
  type Transition,
  timesAtCreation,
  timesOfTransition,
  transitionOf,
  type WriteState,
} from "../../shared/lifecycle.js";
import { type EncodedChange, encodeChange, encodeFields } from "./encoded-change.js";
import { type JobWriter, jobWriter } from "./job-writer.js";
import type { SqliteStoreSettings } from "./options.js";
import type { JobRow } from "./rows.js";
import type { Transaction } from "./transaction.js";

/** The work of one call, to be run in a transaction. */
type Work<Result> = (transaction: Transaction) => Result;

/** The writing methods of the store. Each encodes its arguments and returns the work that stores them. */
export interface SqliteJobs {
  create(draft: JobDraft): Work<Created>;
  write(jobId: string, change: Change): Work<Written>;
  remove(jobId: string): Work<boolean>;
  /**
   * Applies the transitions that are due, to at most `limit` jobs, and returns the jobs that it looked at.
   */
  sweep(now: number, limit: number): Work<readonly SweptJob[]>;
}

/** A job that a sweep looked at, with its transition if one was due. */
interface SweptJob {
  readonly jobId: string;
  readonly transition: Transition | undefined;
}

/** Applies the rules of the contract to the tables. */
export function sqliteJobs(settings: SqliteStoreSettings): SqliteJobs {
  const { clock, tombstoneTtlMs } = settings;
  const writer = jobWriter(settings);

  return {
    create: (draft) => createJob(settings, writer, draft),

    write(jobId, change) {
      const encoded = encodeChange(change);
      const checked = { set: { ...change.set }, hold: encoded.hold };
      return (transaction) => {
        const row = transaction.statements.jobById(jobId);
        if (row === undefined) throw jobNotFound(jobId);
        if (row.removedAt !== undefined) throw jobExpired(jobId);
        const now = clock();
        if (checkWrite(writeStateOf(row, now), checked) === "repeated")
          return { cursor: printCursor(row), now };
        const { leaseMs } = encoded;
        const times = leaseMs === undefined ? {} : leaseOf(leaseMs, now);
        // A write that renews the lease or gives it up clears the mark.
        const clears = row.times.stale && leaseMs !== undefined;
        const accepted = clears ? clearingStale(encoded) : encoded;
        const stored = writer.put(transaction, row, { change: accepted, now, times });
        return { cursor: printCursor(stored), now };
      };
    },

    remove: (jobId) => (transaction) => {
      const row = transaction.statements.jobById(jobId);
      if (row === undefined || row.removedAt !== undefined) return false;
      writer.remove(transaction, row, clock());
      return true;
    },

    sweep: (now, limit) => (transaction) => {
      const { statements } = transaction;
      statements.forgetRemoved(now - tombstoneTtlMs, limit);
      return statements.jobsDue(now, limit).map((row) => {
        const transition = transitionOf(row.times, settings, now);
        if (transition !== undefined) apply(transition, { writer, transaction, row, now });
        // A process with shorter TTLs wrote this job. By this store's TTLs it is due later.
        else statements.updateJob({ ...row, dueAt: dueAt(row.times, settings) });
        return { jobId: row.id, transition };
      });
    },
  };
}

function createJob(
  { clock }: SqliteStoreSettings,
  writer: JobWriter,
  draft: JobDraft,
): Work<Created> {
  const change = encodeChange({ set: draft.set, log: [] });
  // As JSON, because drivers end a text at its first NUL and store every lone surrogate as the same character.
  const key = draft.key === undefined ? null : JSON.stringify(draft.key);
  const { id, deadlineMs } = draft;
  const subjects = [...(draft.subjects ?? [])];
  return (transaction) => {
    const known = key === null ? undefined : transaction.statements.jobByKey(key);
    if (known !== undefined) return { jobId: known.id, cursor: printCursor(known), created: false };
    const now = clock();
    const row = insertJob(transaction, { id, key, deadlineMs, now });
    const fields = [...change.fields, ...encodeFields({ createdAt: now })];
    const first = { ...change, fields, visible: true };
    const stored = writer.put(transaction, row, { change: first, now });
    writer.list(transaction, row, subjects);
    return { jobId: id, cursor: printCursor(stored), created: true };
  };
}

interface Sweeping {
  readonly writer: JobWriter;
  readonly transaction: Transaction;
  readonly row: JobRow;
  readonly now: number;
}

function apply(transition: Transition, { writer, transaction, row, now }: Sweeping): void {
  if (transition === "expired") {
    writer.remove(transaction, row, now);
    return;
  }
  const change = encodeChange({ set: fieldsOfTransition(transition, now), log: [] });
  writer.put(transaction, row, { change, now, times: timesOfTransition(transition, now) });
}

/** The state by which a write is accepted or refused. */
function writeStateOf({ times, status, ...row }: JobRow, now: number): WriteState {
  return {
    ...row,
    ended: times.endedAt === undefined ? undefined : String(status),
    isLeased: times.leaseUntil !== undefined && times.leaseUntil > now,
  };
}

interface NewJob {
  readonly id: string;
  readonly key: string | null;
  readonly deadlineMs: number | undefined;
  readonly now: number;
}

/** @throws ProgressError `invalid-change` if another job has the id. */
function insertJob({ statements, number }: Transaction, job: NewJob): JobRow {
  const { id, key, deadlineMs, now } = job;
  const taken = statements.jobById(id);
  if (taken !== undefined && taken.removedAt === undefined) throw idTaken(id);
  if (taken !== undefined) statements.deleteJob(taken.job);
  statements.insertJob(
    {
      id,
      epoch: newEpoch(),
      version: 0,
      lines: 0,
      lostLines: 0,
      status: undefined,
      attempt: 1,
      hold: undefined,
      times: timesAtCreation(now, deadlineMs),
      removedAt: undefined,
      dueAt: Number.POSITIVE_INFINITY,
      createdIn: number(),
      changedIn: number(),
    },
    key,
  );
  const row = statements.jobById(id);
  if (row === undefined) throw new Error(`The job "${id}" is missing after its insertion.`);
  return row;
}

function clearingStale(change: EncodedChange): EncodedChange {
  const fields = [...change.fields, ...encodeFields({ stale: false })];
  return { ...change, fields, stale: false, visible: true };
}
