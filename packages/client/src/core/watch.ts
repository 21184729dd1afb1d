import {
  type AnyJob,
  type ErrorCode,
  isTerminal,
  type JobState,
  type JobTypes,
  type Json,
  ProgressError,
} from "@emlinh/progress-protocol";
import { type ConnectionState, makeConnection, type Neighbours } from "./connection.js";
import type { Copy, News } from "./copy.js";
import type { CancelReply, JobWatch, WatchEvents, WatchSnapshot } from "./job-watch.js";
import { makeListeners } from "./listeners.js";
import {
  invalidOption,
  type ResolvedWatchOptions,
  resolveWatchOptions,
  type WatchOptions,
} from "./options.js";
import { post } from "./request.js";

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
  return makeWatch<Job>(jobId, resolveWatchOptions(options));
}

type Events<Job extends JobTypes> = WatchEvents<Job> & {
  readonly change: undefined;
};

/** Makes a watch of resolved options. */
export function makeWatch<Job extends JobTypes>(
  jobId: string,
  options: ResolvedWatchOptions,
  { onStart, onMoved }: Neighbours = {},
): JobWatch<Job> {
  if (!jobId) throw invalidOption("jobId", jobId, "the id of a job");
  const { signal } = options;
  const url = `${options.baseUrl}/${encodeURIComponent(jobId)}`;
  const listeners = makeListeners<Events<Job>>(options.onError);
  let result: Promise<Job["result"]> | undefined;

  const line = makeConnection<Job>(options, { jobId, url, onStart, publish });
  let snapshot: WatchSnapshot<Job> = { job: undefined, log: [], connection: line.state() };

  function publish(
    connection: ConnectionState,
    copy: Copy<Job> | undefined,
    news: readonly News[],
  ): void {
    const moved = JSON.stringify(connection) !== JSON.stringify(snapshot.connection);
    if (!moved && !news.length) return;
    snapshot = {
      ...snapshot,
      ...(copy && { job: copy.job, log: copy.log }),
      ...(moved && { connection }),
    };
    for (const [name, event] of news) listeners.emit(name, event as never);
    if (moved) {
      listeners.emit("connection", connection);
      onMoved?.(connection);
    }
    if (connection.status === "closed") signal?.removeEventListener("abort", stop);
    listeners.emit("change", undefined);
    tellEnd();
  }

  function tellEnd(): void {
    const { job } = snapshot;
    if (job && isTerminal(job.status)) listeners.emit("end", job);
  }

  function on<Name extends keyof Events<Job>>(
    name: Name,
    listener: (event: Events<Job>[Name]) => void,
  ): () => void {
    const remove = listeners.add(name, listener);
    // For one that comes after the end: whoever was told it has been taken off.
    queueMicrotask(tellEnd);
    line.start();
    return () => {
      remove();
      // Not at once: who leaves and comes back in one breath, as React does, keeps the connection.
      queueMicrotask(() => listeners.count() || line.dispatch({ kind: "leave" }));
    };
  }

  async function* states(): AsyncGenerator<JobState<Job>, void, undefined> {
    let wake = (): void => {};
    const off = on("change", () => wake());
    try {
      for (let seen: JobState<Job> | undefined; ; ) {
        const { job, connection } = snapshot;
        if (job && job !== seen) {
          seen = job;
          yield job;
        } else if (connection.status === "closed") {
          if (connection.error && connection.error.code !== "stopped") throw connection.error;
          return;
        } else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      off();
    }
  }

  async function settled(): Promise<Job["result"]> {
    let last: JobState<Job> | undefined;
    for await (const job of states()) last = job;
    if (last?.status === "completed") return last.result;
    if (snapshot.connection.error) throw snapshot.connection.error;
    const { status, error } = last as JobState<Job>;
    throw new ProgressError(`job-${status}` as ErrorCode, {
      message: `The job ${jobId} ended as ${status}: ${error?.message ?? "no reason was given"}`,
      details: { jobId, error: error as Json },
    });
  }

  function stop(): void {
    const message = `Watching the job ${jobId} was stopped.`;
    line.dispatch({
      kind: "close",
      error: new ProgressError("stopped", { message }),
    });
  }
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });

  return {
    jobId,
    getSnapshot: () => snapshot,
    subscribe: (listener) => on("change", listener),
    on,
    [Symbol.asyncIterator]: states,
    get result() {
      if (!result) {
        result = settled();
        // Whoever asked gets the rejection; one who only touched the property must not bring the process down.
        result.catch(() => {});
      }
      return result;
    },
    stop,
    cancel: () => post(options, { url: `${url}/cancel` }) as Promise<CancelReply>,
    refresh: () => line.look(),
  };
}
