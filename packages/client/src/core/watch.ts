import {
  type AnyJob,
  type ErrorCode,
  isTerminal,
  type JobState,
  type JobTypes,
  type Json,
  ProgressError,
} from "@emlinh/progress-protocol";
import { type ConnectionState, IDLE, makeConnection } from "./connection.js";
import { type Copy, follow, type News } from "./copy.js";
import type { CancelReply, JobWatch, WatchEvents, WatchSnapshot } from "./job-watch.js";
import { makeListeners } from "./listeners.js";
import {
  invalidOption,
  type ResolvedWatchOptions,
  resolveWatchOptions,
  type WatchOptions,
} from "./options.js";
import type { Places } from "./places.js";
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
  /** The end, for one listener that came after it. */
  readonly [late: symbol]: JobState<Job>;
};

/** What a watch shares with others. */
export interface Neighbours {
  /** Where it asks for a place, since it wants to hold a connection; it needs none if it is alone. */
  readonly places?: Places;
  /** Told how the connection stands, after each change of it. */
  onMoved?(connection: ConnectionState): void;
}

/** Makes a watch of resolved options. */
export function makeWatch<Job extends JobTypes>(
  jobId: string,
  options: ResolvedWatchOptions,
  { places, onMoved }: Neighbours = {},
): JobWatch<Job> {
  if (!jobId) throw invalidOption("jobId", jobId, "the id of a job");
  const { signal, maxLogLines } = options;
  const url = `${options.baseUrl}/${encodeURIComponent(jobId)}`;
  const listeners = makeListeners<Events<Job>>(options.onError);
  let snapshot: WatchSnapshot<Job> = { job: undefined, log: [], connection: IDLE };
  let copy: Copy<Job> | undefined;
  let news: News<Job> | undefined;
  let result: Promise<Job["result"]> | undefined;

  const connection = makeConnection(options, {
    url,
    places,
    take(delta, now) {
      const next = follow(jobId, copy, delta, { now, maxLogLines });
      if (next === undefined) return "unfit";
      if (next === copy) return "old";
      copy = next;
      news = next as News<Job>;
      return isTerminal(next.job.status) ? "end" : "new";
    },
    publish,
  });

  function publish(connection: ConnectionState): void {
    const told = news;
    const moved = JSON.stringify(connection) !== JSON.stringify(snapshot.connection);
    if (!moved && !told) return;
    news = undefined;
    snapshot = {
      job: copy?.job,
      log: copy?.snapshot.log ?? snapshot.log,
      connection: moved ? connection : snapshot.connection,
    };
    if (told) tell(told);
    if (moved) {
      listeners.emit("connection", connection);
      onMoved?.(connection);
    }
    if (connection.status === "closed") signal?.removeEventListener("abort", stop);
    listeners.emit("change", undefined);
    if (told && isTerminal(told.job.status)) listeners.emit("end", told.job);
  }

  function tell({ job, lines, steps, reset }: News<Job>): void {
    if (reset) listeners.emit("reset", job);
    for (const line of lines) listeners.emit("log", line);
    for (const id of steps) {
      const step = job.steps[id];
      if (step) listeners.emit("step", { ...step, id });
    }
    listeners.emit("progress", job);
  }

  function on<Name extends keyof Events<Job>>(
    name: Name,
    listener: (event: Events<Job>[Name]) => void,
  ): () => void {
    const { job } = snapshot;
    const late = name === "end" && job && isTerminal(job.status) && Symbol();
    const remove = listeners.add(late || name, listener as (event: unknown) => void);
    if (late) queueMicrotask(() => listeners.emit(late, job));
    connection.start();
    return () => {
      remove();
      // Not at once: who leaves and comes back in one breath, as React does, keeps the connection.
      queueMicrotask(
        () => listeners.count() || connection.dispatch({ kind: "halt", status: "idle" }),
      );
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
    throw last && isTerminal(last.status) ? failureOf(last) : snapshot.connection.error;
  }

  function stop(): void {
    const message = `Watching the job ${jobId} was stopped.`;
    connection.dispatch({
      kind: "halt",
      status: "closed",
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
    cancel: () =>
      post(options, {
        url: `${url}/cancel`,
        signal: new AbortController().signal,
      }) as Promise<CancelReply>,
    refresh: connection.look,
  };
}

function failureOf({
  id,
  status,
  error,
}: Pick<JobState, "id" | "status" | "error">): ProgressError {
  return new ProgressError(`job-${status}` as ErrorCode, {
    message: `The job ${id} ended as ${status}: ${error?.message ?? "no reason was given"}`,
    details: { jobId: id, error: error as Json },
  });
}
