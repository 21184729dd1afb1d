import { type AnyJob, isTerminal, type JobTypes, ProgressError } from "@emlinh/progress-protocol";
import { cancelJob } from "./cancel-job.js";
import { jobConnection } from "./connection/connection.js";
import type { ConnectionState } from "./connection/connection-state.js";
import type { ReplicaEvent } from "./connection/replica-view.js";
import type { StreamLimiter } from "./connection/stream-limiter.js";
import { checkJobId } from "./job-id.js";
import { type JobSource, jobStates, lazyResult } from "./job-states.js";
import type { JobWatch, WatchEvents } from "./job-watch.js";
import { listenerSet } from "./listeners.js";
import { type ResolvedWatchOptions, resolveWatchOptions, type WatchOptions } from "./options.js";

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
  /** Bounds the connections of all jobs of the manager. */
  readonly limiter?: StreamLimiter;
  /** Called after each change of the connection. */
  readonly onConnection?: (connection: ConnectionState) => void;
  /** Until then `job-not-found` is a failure to retry. Milliseconds since the epoch. */
  readonly expectedUntil?: number;
}

type Events<Job extends JobTypes> = WatchEvents<Job> & { readonly change: undefined };

/** Makes a watch from resolved options. @throws {@link ProgressError} `invalid-option` for an id that breaks P2. */
export function jobWatch<Job extends JobTypes>(
  jobId: string,
  options: ResolvedWatchOptions,
  { limiter, onConnection }: WatchContext = {},
): JobWatch<Job> {
  const { signal, onError } = options;
  const url = urlOf(jobId, options);
  const connection = jobConnection<Job>(options, { jobId, url, limiter, onChange });
  const listeners = listenerSet<Events<Job>>(onError, () => connection.dispatch({ kind: "leave" }));

  function onChange(events: readonly ReplicaEvent<Job>[], connectionChanged: boolean): void {
    const { connection: state } = connection.snapshot;
    for (const { name, value } of events) listeners.emit(name, value);
    if (connectionChanged) listeners.emit("connection", state);
    if (connectionChanged) onConnection?.(state);
    if (state.status === "closed") signal?.removeEventListener("abort", stop);
    listeners.emit("change", undefined);
    emitEnd();
  }

  function emitEnd(): void {
    const { job } = connection.snapshot;
    if (job && isTerminal(job.status)) listeners.emit("end", job);
  }

  function on<Name extends keyof Events<Job>>(
    name: Name,
    listener: (event: Events<Job>[Name]) => void,
  ): () => void {
    const remove = listeners.add(name, listener);
    // For a listener that is added after the end. The others were removed when they got it.
    queueMicrotask(emitEnd);
    connection.start();
    return remove;
  }

  function stop(): void {
    connection.dispatch({ kind: "close", error: stopped(jobId) });
  }

  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const source: JobSource<Job> = {
    jobId,
    getSnapshot: () => connection.snapshot,
    subscribe: (listener) => on("change", listener),
  };
  const result = lazyResult(source);
  return {
    ...source,
    on,
    now: connection.now,
    stop,
    [Symbol.asyncIterator]: () => jobStates(source),
    get result() {
      return result();
    },
    cancel: () => cancelJob(options, url),
    refresh: () => connection.onPageEvent("check"),
  };
}

function stopped(jobId: string): ProgressError {
  return new ProgressError("stopped", { message: `Watching the job "${jobId}" was stopped.` });
}

function urlOf(jobId: string, { baseUrl }: ResolvedWatchOptions): string {
  checkJobId(jobId);
  return `${baseUrl}/${encodeURIComponent(jobId)}`;
}
