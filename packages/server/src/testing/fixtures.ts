import {
  type Change,
  type Cursor,
  type CursorParts,
  type Delta,
  type Fields,
  type HoldWrite,
  isProgressError,
  type Json,
  type NewLogLine,
  parseCursor,
  type TerminalStatus,
} from "@emlinh/progress-protocol";
import type { JobDraft, ProgressStore, SweepReport } from "../core/store.js";
import { assertRejects, assertTrue } from "./assert.js";

/** The fields of a new job. */
export const QUEUED: Fields = { kind: "video", status: "queued", attempt: 1 };

/** Every status that ends a job. */
export const TERMINAL_STATUSES: readonly TerminalStatus[] = [
  "completed",
  "failed",
  "cancelled",
  "lost",
  "timed-out",
];

/** A draft of a queued job. */
export function draft(id: string, more: Partial<JobDraft> = {}): JobDraft {
  return { id, set: QUEUED, ...more };
}

/** A change that sets fields. */
export function change(set: Fields, more: Partial<Change> = {}): Change {
  return { set, log: [], ...more };
}

/** A change that only renews the lease. */
export function renewal(leaseMs: number, hold?: HoldWrite): Change {
  return { set: {}, log: [], leaseMs, hold };
}

/** The change that completes a job. */
export function completion(result: Json = null): Change {
  return change({ status: "completed", result });
}

/** A log line. */
export function line(text: string, more: Partial<NewLogLine> = {}): NewLogLine {
  return { at: 1_700_000_000_123, level: "info", text, ...more };
}

/** Writes a change. Returns the cursor of the version. */
export async function writeJob(store: ProgressStore, id: string, change: Change): Promise<Cursor> {
  return (await store.write(id, change)).cursor;
}

/** Reads a job. Fails the test if the store has no such job. The result has no `now`, so that it can be compared. */
export async function readJob(store: ProgressStore, id: string, after?: Cursor): Promise<Delta> {
  const stored = await store.read(id, after);
  assertTrue(stored !== undefined, `read() returned undefined for the job "${id}", which exists.`);
  const { now: _, ...delta } = stored;
  return delta;
}

/** Reads the fields of a job. */
export async function readFields(store: ProgressStore, id: string): Promise<Fields> {
  return (await readJob(store, id)).set;
}

/** The parts of a cursor. Fails the test if it is malformed. */
export function cursorParts(cursor: Cursor): CursorParts {
  const parsed = parseCursor(cursor);
  assertTrue(
    parsed !== undefined,
    `${JSON.stringify(cursor)} is not a cursor of the form "<epoch>.<version>".`,
  );
  return parsed;
}

/** The version in a cursor. */
export function versionOf(cursor: Cursor): number {
  return cursorParts(cursor).version;
}

/**
 * When the store last wrote a job, by its own clock. The tests count leases and TTLs from there, whichever clock that
 * is.
 */
export async function lastWriteAt(store: ProgressStore, id: string): Promise<number> {
  const { updatedAt } = await readFields(store, id);
  assertTrue(
    Number.isSafeInteger(updatedAt),
    `updatedAt is ${String(updatedAt)}; it must be a whole number of milliseconds.`,
  );
  return updatedAt as number;
}

/** Whether `read` answers as for a removed job, in either of the two permitted ways. Then `write` must do so too. */
export async function isRemoved(
  store: ProgressStore,
  id: string,
  after?: Cursor,
): Promise<boolean> {
  const removed = await store.read(id, after).then(
    (delta) => delta === undefined,
    (error: unknown) => isProgressError(error, "job-expired"),
  );
  if (removed)
    await assertRejects(
      store.write(id, change({ message: "late" })),
      ["job-expired", "job-not-found"],
      "A write to a removed job",
    );
  return removed;
}

/** The numbers from 0 to `count − 1`. */
export function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The results of the promises that were fulfilled, and the reasons of those that were rejected. */
export async function outcomesOf<Value>(
  promises: readonly Promise<Value>[],
): Promise<{ readonly fulfilled: readonly Value[]; readonly rejected: readonly unknown[] }> {
  const outcomes = await Promise.allSettled(promises);
  return {
    fulfilled: outcomes.flatMap((outcome) =>
      outcome.status === "fulfilled" ? [outcome.value] : [],
    ),
    rejected: outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason] : [],
    ),
  };
}

/** The lease, deadline and TTL of the tests. No test takes a noticeable part of it, on any machine. */
export const LONG_MS = 600_000;

/** Added to a time that must have passed, because a backend's clock advances during the test. */
export const SLACK_MS = 60_000;

/**
 * Creates a running job whose worker holds a lease of {@link LONG_MS}. Its opening is the first write of
 * {@link heldBy}. Returns the time at which the lease began.
 */
export async function createLeasedJob(
  store: ProgressStore,
  id: string,
  more: Partial<JobDraft> = {},
): Promise<number> {
  const { cursor } = await store.create(draft(id, more));
  const hold = opening(workerOf(id), cursor);
  await store.write(id, change({ status: "running" }, { leaseMs: LONG_MS, hold }));
  return lastWriteAt(store, id);
}

/** The token of the worker that {@link createLeasedJob} gives a job to. */
function workerOf(id: string): string {
  return `worker of ${id}`;
}

/** The hold of a later write of the worker that {@link createLeasedJob} gives a job to. @param count - From 2. */
export function heldBy(id: string, count: number): HoldWrite {
  return { token: workerOf(id), count };
}

/** The hold of a write that opens a job. @param seen - The cursor at which the worker read it. */
export function opening(token: string, seen: Cursor, takeOver = false): HoldWrite {
  return { token, count: 1, opens: { seen, takeOver } };
}

/** The changes as one worker writes them. The first opens the job. @param seen - The job's cursor before it. */
export function asWorker(
  token: string,
  seen: Cursor,
  changes: readonly Change[],
): readonly Change[] {
  return changes.map((each, index) => ({
    ...each,
    hold: index === 0 ? opening(token, seen) : { token, count: index + 1 },
  }));
}

/** After this time a sweep marks a job of {@link createLeasedJob} stale. */
export const STALE_MS: number = LONG_MS + SLACK_MS;

/** After this time a sweep ends such a job as lost, if an earlier one marked it at {@link STALE_MS}. */
export const LOST_MS: number = STALE_MS + LONG_MS + SLACK_MS;

/** Sweeps at {@link STALE_MS} and at {@link LOST_MS} after `since`. Returns the second report. */
export async function sweepUntilLost(
  store: ProgressStore,
  since: number,
  limit = 100,
): Promise<SweepReport> {
  await store.sweep(since + STALE_MS, limit);
  return store.sweep(since + LOST_MS, limit);
}

/** The report of a sweep that did nothing. */
export const NOTHING_SWEPT = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };
