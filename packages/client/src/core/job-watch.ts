import type { AnyJob, JobState, JobTypes, LogLine, StepState } from "@emlinh/progress-protocol";
import type { ConnectionState } from "./connection/connection-state.js";

/** Everything that a watch knows at one moment. A new object for each change, and the same one until then. */
export interface WatchSnapshot<Job extends JobTypes = AnyJob> {
  /** `initial`, or `undefined`, until the first data arrived. */
  readonly job: JobState<Job> | undefined;
  /** The newest lines, oldest first. */
  readonly log: readonly LogLine[];
  readonly connection: ConnectionState;
}

/** A step whose state changed. */
export type StepChange<Job extends JobTypes = AnyJob> = StepState & { readonly id: Job["step"] };

/**
 * The events of {@link JobWatch.on}, by name. A listener is told the present state first: the job, each step, each line
 * that is kept, the state of the connection, or the end.
 */
export interface WatchEvents<Job extends JobTypes = AnyJob> {
  /** The job changed, or its ETA did as time passed. Changes that arrive together are one event. */
  readonly progress: JobState<Job>;
  /** One log line. Each listener gets each line exactly once, in order. */
  readonly log: LogLine;
  readonly step: StepChange<Job>;
  readonly connection: ConnectionState;
  /** The job has ended. Each listener gets it exactly once, also one that is added later. */
  readonly end: JobState<Job>;
  /**
   * The server has another job by this id than before, for example because it lost its store. Everything that was shown
   * is void, and log lines count from 1 again.
   */
  readonly reset: JobState<Job>;
}

/** The answer to a request to cancel. */
export interface CancelReply {
  readonly jobId: string;
  readonly status: JobState["status"];
  readonly cancelRequested: boolean;
}

/**
 * A watch of one job.
 *
 * It is lazy: it connects for its first listener (`subscribe`, `on`, an iteration, `result`) and disconnects after the
 * last one was removed. With the next listener it continues from its cursor.
 */
export interface JobWatch<Job extends JobTypes = AnyJob> {
  readonly jobId: string;
  /** Returns what is known now: the same object until something changes. */
  getSnapshot(): WatchSnapshot<Job>;
  /**
   * Returns the snapshot of the moment when the watch was made, always the same one: without data, or with `initial`.
   * For the render on a server, and for the first render in a page that takes over from it.
   */
  getServerSnapshot(): WatchSnapshot<Job>;
  /**
   * Calls a listener at once, before it returns, and after each change of the snapshot. So a watch is a store for
   * `useSyncExternalStore` of React, for Svelte and for `from` of Solid.
   *
   * @returns a function that removes the listener.
   */
  subscribe(listener: (snapshot: WatchSnapshot<Job>) => void): () => void;
  /**
   * Listens to one kind of event. The listener is told the present state in a microtask, and then each change.
   *
   * @returns a function that removes the listener.
   * @throws {@link ProgressError} `invalid-option` for an unknown name.
   */
  on<Name extends keyof WatchEvents<Job>>(
    name: Name,
    listener: (event: WatchEvents<Job>[Name]) => void,
  ): () => void;
  /**
   * Iterates over the job's states, the latest each time: a slow consumer skips some, but never the last one. Throws
   * the error that closed the watch, unless `stop()` closed it.
   */
  [Symbol.asyncIterator](): AsyncGenerator<JobState<Job>, void, undefined>;
  /**
   * The job's result, once it is `completed`. Reading the property connects.
   *
   * Rejects with a {@link ProgressError}: `job-failed`, `job-cancelled`, `job-lost` or `job-timed-out` if the job ended
   * that way (`details.error` is the job's own error), `stopped`, `invalid-option`, or the code of the server's refusal
   * (`job-not-found`, `job-expired`, `not-authenticated`, `forbidden` …). After a restart by `refresh()` it is a new
   * promise.
   */
  readonly result: Promise<Job["result"]>;
  /**
   * The time of the server, in milliseconds since the epoch. Compare the times of a job with this time, because the
   * clock of the device may be wrong. Until the server's time is known, it is the time of the device.
   */
  now(): number;
  /** Stops watching, for good. The job goes on. Idempotent. */
  stop(): void;
  /**
   * Asks the job to stop. The watch goes on until the job's end. Idempotent.
   *
   * @throws {@link ProgressError} with the code of the server's refusal.
   */
  cancel(): Promise<CancelReply>;
  /**
   * Checks the connection at once: a waiting one tries now, unless the server asked for more time. A watch that a
   * refusal closed starts again, for example after the user has signed in.
   *
   * @throws {@link ProgressError} `stopped` if `stop()` or the signal closed the watch before the job's end.
   */
  refresh(): void;
}
