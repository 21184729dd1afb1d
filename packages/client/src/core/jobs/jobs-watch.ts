import type { AnyJob, JobState, JobsSummary, JobTypes } from "@emlinh/progress-protocol";
import type { ConnectionState } from "../connection/connection-state.js";
import type { CancelReply } from "../job-watch.js";

/** Everything that is known about a list at one moment. A new object for each change, and the same one until then. */
export interface JobsSnapshot<Job extends JobTypes = AnyJob> {
  /** The newest job first. A job is missing until its first data arrived. */
  readonly jobs: readonly JobState<Job>[];
  /** The progress of these jobs as one batch. */
  readonly summary: JobsSummary;
  /** Whether the list has arrived. */
  readonly isLoaded: boolean;
  /** Whether `loadMore()` has older jobs to load. */
  readonly hasMore: boolean;
  /** The connection that all jobs share. */
  readonly connection: ConnectionState;
}

/**
 * The live list of a subject's jobs: they appear, change, end and leave by themselves.
 *
 * It is lazy: it connects for its first listener, and disconnects after the last one was removed. It uses one
 * connection for all its jobs.
 */
export interface JobsWatch<Job extends JobTypes = AnyJob> {
  readonly subject: string;
  /** Returns what is known now: the same object until something changes. */
  getSnapshot(): JobsSnapshot<Job>;
  /** Returns the snapshot of the moment when the watch was made, always the same: without data, or with `initial`. */
  getServerSnapshot(): JobsSnapshot<Job>;
  /**
   * Calls a listener at once, before it returns, and after each change. Changes that arrive together are one.
   *
   * @returns a function that removes the listener.
   */
  subscribe(listener: (snapshot: JobsSnapshot<Job>) => void): () => void;
  /**
   * Loads the next older jobs, as many as `limit`, and resolves when they are in the list. They are as live as the
   * others. Nothing happens without older jobs, or before the list has arrived. While a call is under way, another one
   * waits for the same jobs.
   *
   * @throws {@link ProgressError} with the code of the server's refusal, or `network` after the last attempt.
   */
  loadMore(): Promise<void>;
  /**
   * Asks a job to stop. It stays in the list.
   *
   * @throws {@link ProgressError} with the code of the server's refusal.
   */
  cancel(jobId: string): Promise<CancelReply>;
  /**
   * Removes a job that has ended from the server, and then from the list. Idempotent.
   *
   * @throws {@link ProgressError} with the code of the server's refusal, such as `job-not-finished`, or `forbidden` if
   * the app does not authorize `remove`.
   */
  remove(jobId: string): Promise<void>;
  /**
   * Checks the connection at once, and whether the older jobs that were loaded are still there. A watch that a refusal
   * closed starts again.
   *
   * @throws {@link ProgressError} `stopped` if `stop()` or the signal closed the watch.
   */
  refresh(): void;
  /** Stops watching, for good. The jobs go on. Idempotent. */
  stop(): void;
  /**
   * The time of the server, in milliseconds since the epoch, with which the times of the jobs are compared. Until it is
   * known, it is the time of the device.
   */
  now(): number;
}
