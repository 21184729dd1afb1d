import {
  type AnyJob,
  isProgressError,
  type JobTypes,
  ProgressError,
} from "@emlinh/progress-protocol";
import { call } from "../call.js";
import { cancelJob } from "../cancel-job.js";
import { checkJobId } from "../job-id.js";
import { addAndTell, listenerSet } from "../listeners.js";
import type { ResolvedWatchOptions } from "../options.js";
import type { JobsSnapshot, JobsWatch } from "./jobs-watch.js";
import { listConnection } from "./list-connection.js";
import { olderJobs } from "./older-jobs.js";
import { resolveWatchJobsOptions, type WatchJobsOptions } from "./watch-jobs-options.js";

/**
 * Watches the jobs of a subject: a user, a project or a batch.
 *
 * @throws {@link ProgressError} `invalid-option`.
 * @example
 * ```ts
 * const videos = watchJobs({ subject: "user:42", baseUrl: "/api/video-progress", definition: videoJob });
 * videos.subscribe(({ jobs, summary, isLoaded, hasMore }) => {
 *   console.log(isLoaded, jobs.map((job) => job.percent), summary.percent, hasMore);
 * });
 * ```
 */
export function watchJobs<Job extends JobTypes = AnyJob>(
  options: WatchJobsOptions<Job>,
): JobsWatch<Job> {
  const resolved = resolveWatchJobsOptions(options);
  const { watchOptions, subject } = resolved;
  const { signal, onError, baseUrl } = watchOptions;
  const listeners = listenerSet<{ change: JobsSnapshot<Job> }>(onError, () => connection.leave());
  const connection = listConnection<Job>(resolved, (snapshot) => {
    if (snapshot.connection.status === "closed") signal?.removeEventListener("abort", stop);
    listeners.emit("change", snapshot);
  });
  const { loadMore, recheck } = olderJobs(resolved, connection);
  const serverSnapshot = connection.snapshot;
  let isStopped = false;

  function stop(): void {
    isStopped = true;
    connection.stop(stopped(subject));
  }

  function restart(): void {
    if (isStopped || signal?.aborted) throw stopped(subject);
    signal?.addEventListener("abort", stop);
    connection.reset();
    if (listeners.size > 0) connection.start();
  }

  function urlOf(jobId: string): string {
    checkJobId(jobId);
    return `${baseUrl}/${jobId}`;
  }

  if (signal?.aborted) stop();
  else signal?.addEventListener("abort", stop);
  return {
    subject,
    getSnapshot: () => connection.snapshot,
    getServerSnapshot: () => serverSnapshot,
    subscribe(listener) {
      const remove = addAndTell(listeners, () => listener(connection.snapshot), onError);
      connection.start();
      return remove;
    },
    loadMore,
    cancel: async (jobId) => cancelJob(watchOptions, urlOf(jobId)),
    async remove(jobId) {
      await removeJob(watchOptions, urlOf(jobId));
      connection.list.remove(new Set([jobId]));
      connection.changed();
    },
    refresh() {
      if (connection.snapshot.connection.status === "closed") restart();
      else connection.check();
      void recheck();
    },
    stop,
    now: connection.now,
  };
}

/** A job that is gone already, for example because another tab or an earlier attempt removed it, is removed. */
async function removeJob(options: ResolvedWatchOptions, url: string): Promise<void> {
  try {
    await call(options, { url, method: "DELETE" });
  } catch (error) {
    if (!isProgressError(error, "job-expired") && !isProgressError(error, "job-not-found"))
      throw error;
  }
}

function stopped(subject: string): ProgressError {
  return new ProgressError("stopped", {
    message: `Watching the jobs of "${subject}" was stopped. To go on, make a new watch.`,
  });
}
