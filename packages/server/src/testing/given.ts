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
} from "@emlinh/progress-protocol";
import type { JobDraft, ProgressStore } from "../core/store.js";
import { holds, refused } from "./assert.js";

/** The fields of a job that was just created. */
export const QUEUED: Fields = { kind: "video", status: "queued", attempt: 1 };

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

/** What a store tells of a job that must be there. */
export async function readJob(store: ProgressStore, id: string, after?: Cursor): Promise<Delta> {
  const delta = await store.read(id, after);
  holds(delta !== undefined, `The job "${id}" is there, but read() told undefined.`);
  return delta;
}

/** The fields of a job. */
export async function fieldsIn(store: ProgressStore, id: string): Promise<Fields> {
  return (await readJob(store, id)).set;
}

/** A cursor taken apart; it must be one. */
export function parts(cursor: Cursor): CursorParts {
  const parsed = parseCursor(cursor);
  holds(parsed !== undefined, `${JSON.stringify(cursor)} is not a cursor: "<epoch>.<version>".`);
  return parsed;
}

/** The version in a cursor. */
export function versionOf(cursor: Cursor): number {
  return parts(cursor).version;
}

/** When the store last wrote a job, by its own clock: from there the tests count leases and TTLs, whichever clock that is. */
export async function writtenAt(store: ProgressStore, id: string): Promise<number> {
  const { updatedAt } = await fieldsIn(store, id);
  holds(
    Number.isSafeInteger(updatedAt),
    `updatedAt is ${String(updatedAt)}, not a whole number of milliseconds.`,
  );
  return updatedAt as number;
}

/** Whether a store has let go of a job, in either of the two ways in which it may say so. */
export async function isGone(store: ProgressStore, id: string, after?: Cursor): Promise<boolean> {
  const gone = await store.read(id, after).then(
    (delta) => delta === undefined,
    (error: unknown) => isProgressError(error, "job-expired"),
  );
  if (gone)
    await refused(
      store.write(id, change({ message: "late" })),
      ["job-expired", "job-not-found"],
      "A write to a removed job",
    );
  return gone;
}

/** `0 … count − 1`. */
export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** What the fulfilled ones of some promises gave, and why the others were rejected. */
export async function settle<Value>(
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

/** The lease, deadline and TTL of the tests: so long that no test takes a noticeable part of it, on whatever machine. */
export const LONG_MS = 600_000;

/** Added to a time that must have passed, where a backend's clock runs on while the test does. */
export const SLACK_MS = 60_000;

/** Creates a running job whose worker holds a lease of {@link LONG_MS}, and tells since when. */
export async function leasedJob(
  store: ProgressStore,
  id: string,
  more: Partial<JobDraft> = {},
): Promise<number> {
  await store.create(draft(id, more));
  await store.write(id, change({ status: "running" }, { leaseMs: LONG_MS, attempt: 1 }));
  return writtenAt(store, id);
}

/** What a sweep reports that did nothing. */
export const NOTHING_SWEPT = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };
