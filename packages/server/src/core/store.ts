import type { Change, Cursor, Delta, Fields } from "@emlinh/progress-protocol";

/** A job before it is stored. */
export interface JobDraft {
  /** `[A-Za-z0-9_-]{1,128}`. */
  readonly id: string;
  /** Makes `create` idempotent: a second draft with the same key gives the first one's job, for as long as that is kept. */
  readonly key?: string | undefined;
  /** The fields of the first version. The store adds `createdAt` and `updatedAt`. */
  readonly set: Fields;
  /** Milliseconds from now until the job is ended as `timed-out`; absent for no deadline. */
  readonly deadlineMs?: number | undefined;
}

/** What {@link ProgressStore.create} did. */
export interface Created {
  /** The job's id: another than the draft's if the key was known. */
  readonly jobId: string;
  readonly cursor: Cursor;
  /** `false` if the key was known, and nothing was stored. */
  readonly created: boolean;
}

/**
 * Called when a job may have changed: a hint, which may come late, twice, or not at all. Must not throw; if it does, the store takes no harm.
 *
 * @param version - The version that was written, where the store knows it: who has it already needn't read. Absent at a creation, a removal, a reconnect: versions begin anew there.
 */
export type Wake = (version?: number) => void;

/** Ends a watch. Idempotent; resolves when no further wake comes. */
export type Unwatch = () => Promise<void>;

/** What one sweep did, in jobs. */
export interface SweepReport {
  /** Marked `stale`: their lease ran out. */
  readonly stale: number;
  /** Ended as `lost`: their lease ran out a whole lease ago, whether or not they were marked `stale` in between. */
  readonly lost: number;
  /** Ended as `timed-out`. */
  readonly timedOut: number;
  /** Removed: ended `ttlMs` ago; or not ended, without a lease, and not written to for `idleTtlMs`. */
  readonly expired: number;
  /** Whether `limit` was reached, and there may be more to do. */
  readonly more: boolean;
}

/**
 * Where jobs are kept. Six verbs, none of them optional, and one bound. The data come from `read` alone; `watch` only says when to look.
 *
 * Every store sets `updatedAt` by its own clock at each version, keeps the newest `maxLogLines` lines, and passes the suite
 * in `@emlinh/progress-server/testing`.
 */
export interface ProgressStore {
  /** Log lines kept per job, the newest; at least 1. Whoever holds a copy of a job (the hub) keeps as many. */
  readonly maxLogLines: number;

  /**
   * Stores a job as version 1 of a new epoch.
   *
   * @throws ProgressError `store-full`; `invalid-change` if the id is taken by another job.
   */
  create(draft: JobDraft): Promise<Created>;

  /**
   * Writes one change, atomically: refuses it after the end, raises the version by one, merges the fields, appends the lines, wakes the watchers.
   *
   * With `leaseMs` it also renews the lease, or gives it up, and clears `stale`; a change without one touches neither. A change that sets nothing and
   * appends nothing raises no version, unless there was `stale` to clear. The end gives up the lease.
   *
   * Refuses as `attempt-superseded` a `change.attempt` below the job's, and a `change.set.attempt` that is not above it: of two workers that
   * begin the same attempt at once, one is refused.
   *
   * @returns the cursor of the version written: what a `read` after it does not tell again.
   * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `attempt-superseded`, `store-unavailable`.
   */
  write(jobId: string, change: Change): Promise<Cursor>;

  /**
   * What changed after a cursor, at one consistent point: the whole state without a cursor, or with one that is malformed, foreign or from the future.
   * A backend that lost its data knows no job, or answers as for a removed one; a job that is created anew has another epoch.
   *
   * @returns `undefined` for a job that is unknown.
   * @throws ProgressError `job-expired` if the store remembers that the job was there; `store-unavailable`.
   */
  read(jobId: string, after?: Cursor): Promise<Delta | undefined>;

  /**
   * Calls `wake` after each change from now on, whoever writes it. Resolves when the watch is in force, so that a `read` begun after it misses nothing.
   * A store that lost touch with its backend wakes when it is back. An unknown job may be watched. A version comes after it can be read.
   */
  watch(jobId: string, wake: Wake): Promise<Unwatch>;

  /**
   * Marks what is stale, ends what is lost or timed out, removes what is expired: at most `limit` jobs, one thing to each. Several processes may sweep at
   * once. What it writes are versions like any other, and it wakes the watchers, of removed jobs too.
   *
   * @param now - Milliseconds since the epoch; `undefined` for the store's own time, by which leases are kept: then no process' clock can end another's job. What
   * the sweep ends and marks has this time, and its TTL counts from it.
   */
  sweep(now: number | undefined, limit: number): Promise<SweepReport>;

  /** Releases what the store itself took (timers, subscriptions), never the client that it was handed. Idempotent; later calls of the other verbs throw `closed`. */
  close(): Promise<void>;
}
