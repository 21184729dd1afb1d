import type { Change, Cursor, Delta, Fields } from "@emlinh/progress-protocol";
import type { Durations, Expectations } from "../shared/expectations.js";
import type { OnSweptEnd, SweepReport } from "../shared/lifecycle.js";

export type { Durations, Expectation, Expectations } from "../shared/expectations.js";
export type { OnSweptEnd, SweepReport, SweptEnd } from "../shared/lifecycle.js";

/** A job before it is stored. */
export interface JobDraft {
  /** `[A-Za-z0-9_-]{1,128}`. */
  readonly id: string;
  /**
   * Makes `create` idempotent: a second draft with the same key returns the job of the first one, for as long as that
   * is kept.
   */
  readonly key?: string | undefined;
  /** The fields of the first version. The store adds `createdAt` and `updatedAt`. */
  readonly set: Fields;
  /** Milliseconds from now until the job ends as `timed-out`. Absent for no deadline. */
  readonly deadlineMs?: number | undefined;
  /** The subjects in whose lists the job is, at most 8, each once (P62). Absent for none. */
  readonly subjects?: readonly string[] | undefined;
}

/** The part of a list that is asked for. */
export interface PageRequest {
  /** The most jobs that are returned, from 1. */
  readonly limit: number;
  /** The `next` of an earlier page: the page begins after it. Absent for the first page. */
  readonly before?: string | undefined;
}

/** Some jobs of a subject. */
export interface JobPage {
  /** Ids, the newest job first. */
  readonly jobs: readonly string[];
  /** The `before` of the following page; `undefined` if there is none. `[A-Za-z0-9._-]{1,200}`. */
  readonly next: string | undefined;
}

/** The target of a watch: a job, or the list of a subject. */
export type WatchTarget = { readonly jobId: string } | { readonly subject: string };

/** The result of {@link ProgressStore.write}. */
export interface Written {
  /**
   * The cursor of the version written; the current one if nothing was written. A `read` after it does not return it.
   */
  readonly cursor: Cursor;
  /** The store's time of the write, in milliseconds since the epoch. */
  readonly now: number;
}

/** The result of {@link ProgressStore.read}. */
export interface StoredDelta extends Delta {
  /** The store's time of the read, in milliseconds since the epoch. */
  readonly now: number;
}

/** The result of {@link ProgressStore.create}. */
export interface Created {
  /** The job's id. It differs from the draft's if the key was known. */
  readonly jobId: string;
  readonly cursor: Cursor;
  /** `false` if the key was known, and nothing was stored. */
  readonly created: boolean;
}

/**
 * Called when a job, or the membership of a list, may have changed. It is only a hint, which may come late, twice or
 * never. It must not throw; if it does, the store ignores the error.
 *
 * @param version - The version that was written, where the store knows it: a reader that has it need not read. Absent
 * at a creation, a removal and a reconnect, because versions may start again there, and for a list.
 * @param delta - The delta from the version before to this one, where the store has it at hand: a reader that has the
 * version before need not read either. It must not be changed later.
 */
export type Wake = (version?: number, delta?: Delta) => void;

/** Ends a watch. Idempotent. Resolves when no further wake comes. */
export type Unwatch = () => Promise<void>;

/**
 * Where jobs are kept: ten methods, none of them optional, and one bound. All data come from `read`; `watch` only
 * tells when to read.
 *
 * Every store sets the times of a job from its own clock: `createdAt`, `updatedAt` at each version, and `finishedAt` in
 * the write that ends the job. It keeps the newest `maxLogLines` lines, and passes the suite in
 * `@emlinh/progress-server/testing`. The rules of hold, lease, expiry and end are the exported lifecycle functions.
 */
export interface ProgressStore {
  /** Log lines kept per job, the newest; at least 1. The hub keeps as many in its replica of a job. */
  readonly maxLogLines: number;

  /**
   * Stores a job as version 1 of a new epoch, and puts it into the lists of its subjects.
   *
   * @throws ProgressError `store-full`; `invalid-change` if the id is taken by another job.
   */
  create(draft: JobDraft): Promise<Created>;

  /**
   * Writes one change, atomically: checks the hold and refuses the change after the end, raises the version by one,
   * merges the fields, appends the lines, and wakes the watchers. A write that ends the job sets `finishedAt`, and
   * closes the steps that were left running, by the rule `closedSteps` (P47).
   *
   * With `leaseMs` it also renews the lease, or gives it up, and clears `stale`; a change without one touches neither.
   * A change that sets nothing and appends nothing raises no version, unless there was `stale` to clear. The end gives
   * up the lease.
   *
   * The rule `checkWrite` determines whether a write is accepted. A write of a hold whose count was seen before changes
   * nothing and is answered with the current cursor, also after the end. `holdAfter` is the hold that is kept.
   *
   * The lines are numbered after the last one, and `lostLines` numbers are skipped before them.
   *
   * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `attempt-superseded` for a `set.attempt` that
   * is not above the job's, `job-held`, `hold-lost`, `store-unavailable`.
   */
  write(jobId: string, change: Change): Promise<Written>;

  /**
   * Returns what changed after a cursor, at one consistent point: the whole state without a cursor, or with one that is
   * malformed, of another epoch or from the future. `done` is true exactly when the job has ended. A backend that lost
   * its data answers as for an unknown or a removed job; a job that is created again has another epoch. If nothing
   * changed, the read costs no more than a look at the version.
   *
   * @returns `undefined` for a job that is unknown.
   * @throws ProgressError `job-not-found` in place of that, if the store knows where the job is; `job-expired` if the
   * store remembers that the job existed; `store-unavailable`.
   */
  read(jobId: string, after?: Cursor): Promise<StoredDelta | undefined>;

  /**
   * Returns jobs of a subject, the newest first, by the time of their creation; equal times in a fixed order. A job
   * that was created before the first page was asked for, and is not removed, is on exactly one page, whatever jobs
   * come and go meanwhile. A page costs the same however many jobs the subject has. A job that a sweep or `remove` took
   * away is not listed.
   *
   * @returns an empty page for an unknown subject, and for a `before` that is no position. The `next` of another list
   * or store gives the jobs that follow the same place in this list, or none.
   * @throws ProgressError `store-unavailable`.
   */
  list(subject: string, page: PageRequest): Promise<JobPage>;

  /**
   * Calls `wake` after each change from now on, whichever process writes it. Resolves when the watch is in force, so
   * that a `read` begun after it misses nothing. A store that lost the connection to its backend wakes once it is back.
   * An unknown job may be watched. A version is announced only once it can be read.
   *
   * For a subject it calls `wake` after each job that joins or leaves its list (a creation, a removal, an expiry), and
   * not for the changes of the jobs. A subject without jobs may be watched.
   */
  watch(target: WatchTarget, wake: Wake): Promise<Unwatch>;

  /**
   * Removes a job now, whatever its state, with its log, its key and its place in lists, and wakes its watchers. From
   * then on `read` and `write` answer as for a job that a sweep removed. Idempotent.
   *
   * @returns whether there was such a job.
   * @throws ProgressError `store-unavailable`.
   */
  remove(jobId: string): Promise<boolean>;

  /**
   * Adds the durations of the steps of one completed job to what is known of its kind, by the rule `learned`. Calls of
   * several processes at once each count. A store may forget the kinds that were learned least recently, and the steps
   * of a kind: at least 1,000 of each are kept for at least 90 days, unless the data of the backend are lost.
   *
   * @throws ProgressError `store-unavailable`.
   */
  learn(kind: string, durations: Durations): Promise<void>;

  /**
   * Returns what earlier completed jobs of a kind have taught, by step id. Empty if nothing is known.
   *
   * @throws ProgressError `store-unavailable`.
   */
  expectations(kind: string): Promise<Expectations>;

  /**
   * Marks jobs `stale`, ends those that are lost or timed out, and removes those that expired: at most `limit` jobs,
   * one transition each, by the rule `transitionOf`. A job is lost only if an earlier sweep marked it `stale`. Several
   * processes may sweep at once. Its writes are versions like any other, and it wakes the watchers, also those of
   * removed jobs. An end closes the steps that were left running (P47).
   *
   * @param now - Milliseconds since the epoch. `undefined` for the store's own time, by which leases are kept: then the
   * clock of a process can't end another one's job. Jobs that it marks or ends have this time, and their TTL counts
   * from it.
   * @param onEnd - Called with each job that this sweep has ended, once, when the end is stored. Must not throw.
   */
  sweep(now: number | undefined, limit: number, onEnd?: OnSweptEnd): Promise<SweepReport>;

  /**
   * Releases what the store itself took (timers, subscriptions), never the client that it was handed. Idempotent. Later
   * calls of the other methods throw `closed`.
   */
  close(): Promise<void>;
}
