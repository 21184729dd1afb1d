import {
  type Change,
  type Cursor,
  type CursorParts,
  type Delta,
  type Fields,
  isProgressError,
  type Json,
  type NewLogLine,
  parseCursor,
  type TerminalStatus,
} from "@emlinh/progress-protocol";
import type { JobDraft, ProgressStore } from "../core/store.js";
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
export function renewal(leaseMs: number, attempt?: number): Change {
  return { set: {}, log: [], leaseMs, attempt };
}

/** The change that completes a job. */
export function completion(result: Json = null): Change {
  return change({ status: "completed", result });
}

/** A log line. */
export function line(text: string, more: Partial<NewLogLine> = {}): NewLogLine {
  return { at: 1_700_000_000_123, level: "info", text, ...more };
}

/** Reads a job. Fails the test if the store has no such job. */
export async function readJob(store: ProgressStore, id: string, after?: Cursor): Promise<Delta> {
  const delta = await store.read(id, after);
  assertTrue(delta !== undefined, `read() returned undefined for the job "${id}", which exists.`);
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

/** Creates a running job whose worker holds a lease of {@link LONG_MS}. Returns the time at which the lease began. */
export async function createLeasedJob(
  store: ProgressStore,
  id: string,
  more: Partial<JobDraft> = {},
): Promise<number> {
  await store.create(draft(id, more));
  await store.write(id, change({ status: "running" }, { leaseMs: LONG_MS, attempt: 1 }));
  return lastWriteAt(store, id);
}

/** The report of a sweep that did nothing. */
export const NOTHING_SWEPT = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };
