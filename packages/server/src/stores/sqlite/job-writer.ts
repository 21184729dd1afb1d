import { closedSteps, dueAt, holdAfter, type JobTimes } from "../../shared/lifecycle.js";
import {
  decodeFields,
  type EncodedChange,
  type EncodedField,
  encodeFields,
} from "./encoded-change.js";
import type { SqliteStoreSettings } from "./options.js";
import type { JobRow } from "./rows.js";
import type { Statements } from "./statements.js";
import type { Transaction } from "./transaction.js";

/** A change, the time of its write, and the times that it sets, besides those of an end. */
interface TimedChange {
  readonly change: EncodedChange;
  readonly now: number;
  readonly times?: Partial<JobTimes>;
}

/** Changes and removes the rows of one job within a transaction. */
export interface JobWriter {
  /** Writes a change that was accepted, and returns the job's new row. */
  put(transaction: Transaction, row: JobRow, change: TimedChange): JobRow;
  /** Puts a new job into the lists of its subjects. */
  list(transaction: Transaction, row: JobRow, subjects: readonly string[]): void;
  /** Removes the job's fields, lines and key, and its place in lists. Its id stays as a tombstone. */
  remove(transaction: Transaction, row: JobRow, now: number): void;
}

/** Lines above `maxLogLines` that may stay in the file: to delete each one at once would cost more. */
const TRIM_EVERY = 32;

/** Makes the writer of one store. */
export function jobWriter(settings: SqliteStoreSettings): JobWriter {
  const { maxLogLines } = settings;

  function appendLines(statements: Statements, row: JobRow, next: JobRow, lines: string): void {
    const { job, version } = next;
    const lastN = next.lines + next.lostLines;
    statements.addLines({ job, version, ordinal: next.lines, lastN, json: lines });
    const surplus = next.lines - maxLogLines;
    if (surplus > 0 && Math.floor(next.lines / TRIM_EVERY) > Math.floor(row.lines / TRIM_EVERY))
      statements.trimLines(job, surplus);
  }

  return {
    put(transaction, row, { change, now, times: set }) {
      const { statements } = transaction;
      const times = timesAfter(row, { change, now, times: set ?? {} });
      const version = row.version + (change.visible ? 1 : 0);
      const next: JobRow = {
        ...row,
        version,
        lines: row.lines + change.lineCount,
        lostLines: row.lostLines + change.lostLines,
        status: change.status ?? row.status,
        attempt: change.begins ?? row.attempt,
        hold: holdAfter(row.hold, change.hold, version),
        times,
        dueAt: dueAt(times, settings),
        changedIn: change.visible ? transaction.number() : row.changedIn,
      };
      statements.updateJob(next);
      if (!change.visible) return next;
      for (const [name, json] of fieldsToSet(statements, row, { change, now }))
        statements.setField(row.job, name, next.version, json);
      if (change.lines !== undefined) appendLines(statements, row, next, change.lines);
      // Version 1 is a creation: a reader of an earlier job with this id can't compare its version with this one.
      transaction.wakeLater(row.id, next.version > 1 ? next.version : undefined);
      return next;
    },

    list({ statements, changeList }, row, subjects) {
      for (const subject of subjects) {
        statements.list(subject, row.job);
        changeList(subject);
      }
    },

    remove({ statements, number, wakeLater, changeList }, row, now) {
      for (const subject of statements.subjectsOf(row.job)) changeList(subject);
      statements.deleteFields(row.job);
      statements.deleteLines(row.job);
      statements.leaveTombstone(now, number(), row.job);
      wakeLater(row.id);
    },
  };
}

function timesAfter(row: JobRow, { change, now, times }: TimedChange): JobTimes {
  return {
    ...row.times,
    ...times,
    stale: change.stale ?? row.times.stale,
    writtenAt: now,
    ...(change.ends && { endedAt: now, leaseUntil: undefined }),
  };
}

/**
 * The fields of the change, the steps that an end closes (P47), and the times that the store sets. A later field
 * replaces an earlier one.
 */
function fieldsToSet(
  statements: Statements,
  row: JobRow,
  { change, now }: TimedChange,
): Iterable<EncodedField> {
  const added = change.ends
    ? [
        ...stepsClosedBy(change, statements.stepsOf(row.job), now),
        ...encodeFields({ finishedAt: now }),
      ]
    : [];
  return new Map([...change.fields, ...added, ...encodeFields({ updatedAt: now })]);
}

function stepsClosedBy(
  change: EncodedChange,
  stored: readonly EncodedField[],
  now: number,
): readonly EncodedField[] {
  const own = change.fields.filter(([name]) => name === "status" || name.startsWith("steps."));
  return encodeFields(closedSteps(decodeFields([...stored, ...own]), now));
}
