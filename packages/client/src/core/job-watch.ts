import type { AnyJob, JobState, JobTypes, LogLine, StepState } from "@emlinh/progress-protocol";
import type { ConnectionState } from "./connection.js";

/** All that a watch knows at one moment. A new object for each change, and the same one until then. */
export interface WatchSnapshot<Job extends JobTypes = AnyJob> {
  /** `undefined` until the first data came. */
  readonly job: JobState<Job> | undefined;
  /** The newest lines, oldest first. */
  readonly log: readonly LogLine[];
  readonly connection: ConnectionState;
}

/** A step whose state changed. */
export type StepChange<Job extends JobTypes = AnyJob> = StepState & { readonly id: Job["step"] };

/** What `on` tells, by name. */
export interface WatchEvents<Job extends JobTypes = AnyJob> {
  /** The job changed; what came at once is told at once. */
  readonly progress: JobState<Job>;
  /** A line, each exactly once and in order. */
  readonly log: LogLine;
  readonly step: StepChange<Job>;
  readonly connection: ConnectionState;
  /** The job reached its end: to each listener exactly once, to one that comes later, too. */
  readonly end: JobState<Job>;
  /** The server has another job by this id than before (it lost its store, say): all that was shown is void, and lines count from 1 again. */
  readonly reset: JobState<Job>;
}

/** The answer to a request to cancel. */
export interface CancelReply {
  readonly jobId: string;
  readonly status: JobState["status"];
  readonly cancelRequested: boolean;
}

/**
 * One job that is watched.
 *
 * It is lazy: it connects for its first listener (`subscribe`, `on`, an iteration, `result`) and disconnects when the last one left;
 * for the next one it goes on from where it stood.
 */
export interface JobWatch<Job extends JobTypes = AnyJob> {
  readonly jobId: string;
  /** What is known now; the same object until something changes. */
  getSnapshot(): WatchSnapshot<Job>;
  /** Calls a listener after each change of the snapshot. With `getSnapshot` it is an external store, as `useSyncExternalStore` wants it. */
  subscribe(listener: () => void): () => void;
  /** Hears one sort of news. @returns a function that takes the listener off. */
  on<Name extends keyof WatchEvents<Job>>(
    name: Name,
    listener: (event: WatchEvents<Job>[Name]) => void,
  ): () => void;
  /** The job's states, the latest each time: a slow consumer skips some, never the end. Throws what closed the watch, unless that was `stop()`. */
  [Symbol.asyncIterator](): AsyncGenerator<JobState<Job>, void, undefined>;
  /**
   * The job's result, once it is `completed`. Asking for it connects.
   *
   * Rejects with a {@link ProgressError}: `job-failed`, `job-cancelled`, `job-lost` or `job-timed-out` if the job ended so (`details.error` is the
   * job's own), `stopped`, or as the server refused it (`job-not-found`, `job-expired`, `not-authenticated`, `forbidden`, `refused`).
   */
  readonly result: Promise<Job["result"]>;
  /** Stops watching, for good. The job goes on. Idempotent. */
  stop(): void;
  /** Asks the job to stop; the watch goes on until its end. Idempotent. @throws {@link ProgressError} as the server refused it. */
  cancel(): Promise<CancelReply>;
  /** Looks at once: a waiting connection is tried now, unless the server asked for more time. */
  refresh(): void;
}
