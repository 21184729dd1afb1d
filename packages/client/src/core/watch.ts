import { type AnyJob, isTerminal, type JobTypes, ProgressError } from "@emlinh/progress-protocol";
import { cancelJob } from "./cancel-job.js";
import { type OpenJobConnection, ownConnections } from "./connection/connection.js";
import type { ConnectionState } from "./connection/connection-state.js";
import type { ReplicaEvent } from "./connection/replica-view.js";
import { checkJobId } from "./job-id.js";
import { type JobSource, jobStates, lazyResult } from "./job-states.js";
import type { JobWatch } from "./job-watch.js";
import { type ResolvedWatchOptions, resolveWatchOptions, type WatchOptions } from "./options.js";
import { watchListeners } from "./watch-listeners.js";

/**
 * Watches a job.
 *
 * @throws {@link ProgressError} `invalid-option`.
 * @example
 * ```ts
 * const video = watchJob("k3Fz9aQ0", { baseUrl: "/api/video-progress", definition: videoJob });
 * video.on("progress", (job) => console.log(job.percent));
 * const { videoUrl } = await video.result;
 * ```
 */
export function watchJob<Job extends JobTypes = AnyJob>(
  jobId: string,
  options: WatchOptions<Job>,
): JobWatch<Job> {
  return jobWatch<Job>(jobId, resolveWatchOptions(options));
}

/** The surroundings of a watch that belongs to a manager. */
export interface WatchContext {
  /** Makes the connection. @defaultValue one of its own */
  readonly connect?: OpenJobConnection;
  /** Called after each change of the connection. */
  readonly onConnection?: (connection: ConnectionState) => void;
}

/** Makes a watch from resolved options. @throws {@link ProgressError} `invalid-option` for an id that breaks P2. */
export function jobWatch<Job extends JobTypes>(
  jobId: string,
  options: ResolvedWatchOptions,
  { connect = ownConnections(options), onConnection }: WatchContext = {},
): JobWatch<Job> {
  const { signal } = options;
  const url = urlOf(jobId, options);
  const connection = connect<Job>({ jobId, onChange });
  const listeners = watchListeners(connection, options.onError);
  const { on, subscribe } = listeners;
  const source: JobSource<Job> = { jobId, getSnapshot: () => connection.snapshot, subscribe };
  const serverSnapshot = connection.snapshot;
  let result = lazyResult(source);
  let isStopped = false;

  function onChange(events: readonly ReplicaEvent<Job>[], connectionChanged: boolean): void {
    const { connection: state } = connection.snapshot;
    if (state.status === "closed") signal?.removeEventListener("abort", stop);
    listeners.emit(events, connectionChanged);
    if (connectionChanged) onConnection?.(state);
  }

  function stop(): void {
    isStopped = true;
    connection.close(stopped(jobId));
  }

  function refresh(): void {
    const { job, connection: state } = connection.snapshot;
    if (state.status !== "closed") connection.check();
    else if (!isTerminal(job?.status)) restart();
  }

  function restart(): void {
    if (isStopped || signal?.aborted) throw stopped(jobId);
    result = lazyResult(source);
    signal?.addEventListener("abort", stop);
    connection.reset();
    if (listeners.size > 0) connection.start();
  }

  if (signal?.aborted) stop();
  else signal?.addEventListener("abort", stop);
  return {
    ...source,
    getServerSnapshot: () => serverSnapshot,
    on,
    now: connection.now,
    stop,
    [Symbol.asyncIterator]: () => jobStates(source),
    get result() {
      return result();
    },
    cancel: () => cancelJob(options, url),
    refresh,
  };
}

function stopped(jobId: string): ProgressError {
  return new ProgressError("stopped", {
    message: `Watching the job "${jobId}" was stopped. To go on, make a new watch.`,
  });
}

function urlOf(jobId: string, { baseUrl }: ResolvedWatchOptions): string {
  checkJobId(jobId);
  return `${baseUrl}/${jobId}`;
}
