import { type AnyJob, type InputOf, type JobTypes, ProgressError } from "@emlinh/progress-protocol";
import type { CancelReply, JobWatch } from "../job-watch.js";
import { jobWatch } from "../watch.js";
import { type CreateOptions, jobCreator } from "./job-creator.js";
import { jobList } from "./job-list.js";
import { type JobManagerOptions, resolveManagerOptions } from "./manager-options.js";
import { sharedFeed } from "./shared-feed.js";
import { storedJobs } from "./stored-jobs.js";

/**
 * Creates jobs, watches many of them at a time, and finds them again after a reload of the page. Its methods are not
 * those of a prototype: they work when they are taken off the manager, and a subclass can't override them.
 *
 * @example
 * ```ts
 * const jobs = new JobManager({ baseUrl: "/api/progress", createUrl: "/api/create-video", definition: videoJob });
 * const video = await jobs.create({ topic: "Spring", duration: 30, voice: "vi" });
 * video.on("progress", (job) => console.log(job.percent));
 * const { videoUrl } = await video.result;
 * ```
 */
export interface JobManager<Job extends JobTypes = AnyJob> {
  /**
   * Creates a job and adds its watch to the list. After a network failure the request is sent again with the same key,
   * so that there is one job. While a request is under way, a second call with the same key or, without one, the same
   * input (a double click) waits for the same job.
   *
   * @param input - The body for the app's route: a plain object that JSON can hold.
   * @throws {@link ProgressError} `refused` if the route refused (`details` has its code), or `network`, both after the
   * last attempt; `closed`; `invalid-option` without a `createUrl`, or for an input that JSON would change.
   */
  create(input: InputOf<Job>, options?: CreateOptions): Promise<JobWatch<Job>>;
  /**
   * Returns the watch of a job: the same one for the same id, until it closes before the job's end. A new one takes its
   * place then.
   *
   * @throws {@link ProgressError} `closed`; `invalid-option` for a value that is not the id of a job.
   */
  watch(jobId: string): JobWatch<Job>;
  /** The watches in the order in which they were added. */
  jobs(): readonly JobWatch<Job>[];
  /** As {@link JobManager.jobs}: the same array until the list changes. */
  getSnapshot(): readonly JobWatch<Job>[];
  /** The list that a page shows while it is rendered on a server and hydrated: an empty one, the same each time. */
  getServerSnapshot(): readonly JobWatch<Job>[];
  /**
   * Calls a listener with the list: at once, and after each change of the list, but not after a change of a job.
   *
   * @returns a function that removes the listener.
   */
  subscribe(listener: (watches: readonly JobWatch<Job>[]) => void): () => void;
  /**
   * Adds the stored jobs: those of an earlier page, and those of other tabs if they share the storage. A watch that
   * closed before its job's end is replaced. Returns all watches.
   *
   * @throws {@link ProgressError} `closed`.
   */
  resume(): readonly JobWatch<Job>[];
  /**
   * Asks a job to stop. The list stays as it is.
   *
   * @throws {@link ProgressError} with the code of the server's refusal; `closed`; `invalid-option` for a value that is
   * not the id of a job.
   */
  cancel(jobId: string): Promise<CancelReply>;
  /**
   * Stops watching a job, and removes it from the list and the storage. The job goes on.
   *
   * @throws {@link ProgressError} `invalid-option` for a value that is not the id of a job.
   */
  forget(jobId: string): void;
  /**
   * Stops every watch, and rejects every call of `create` that waits. The list and the storage keep the jobs.
   * Idempotent. Later calls of `create`, `watch`, `resume` and `cancel` throw `closed`.
   */
  close(): void;
}

/** @throws {@link ProgressError} `invalid-option`. */
export const JobManager: new <Job extends JobTypes = AnyJob>(
  options: JobManagerOptions<Job>,
) => JobManager<Job> = class<Job extends JobTypes> {
  // The methods are closures, and the type has no private members: a manager also works through the proxies of reactive
  // frameworks, and as their types describe it.
  constructor(options: JobManagerOptions<Job>) {
    Object.assign(this, jobManager(options));
  }
} as new <Job extends JobTypes>(
  options: JobManagerOptions<Job>,
) => JobManager<Job>;

const NO_JOBS: readonly never[] = Object.freeze([]);

function jobManager<Job extends JobTypes>(options: JobManagerOptions<Job>): JobManager<Job> {
  const { watchOptions, openFeed, route, signal, storage, storageKey } =
    resolveManagerOptions(options);
  const stored = storedJobs(storage, storageKey);
  const feed = sharedFeed(watchOptions, openFeed);
  const list = jobList<Job>(watchOptions, { feed, stored });
  const creator = jobCreator(watchOptions, route);
  let isClosed = false;

  function assertOpen(): void {
    if (isClosed) throw closed();
  }

  function close(): void {
    isClosed = true;
    signal?.removeEventListener("abort", close);
    creator.close(closed());
    list.stop();
    feed.close();
  }

  signal?.addEventListener("abort", close);
  if (signal?.aborted) close();
  return {
    async create(input, options) {
      assertOpen();
      const jobId = await creator.create(input, options);
      assertOpen();
      return list.watch(jobId, watchOptions.clock() + EXPECTED_MS);
    },
    watch(jobId) {
      assertOpen();
      return list.watch(jobId);
    },
    jobs: list.all,
    getSnapshot: list.all,
    getServerSnapshot: () => NO_JOBS,
    subscribe: list.subscribe,
    resume() {
      assertOpen();
      return list.restore();
    },
    async cancel(jobId) {
      assertOpen();
      // A watch connects for its first listener only.
      return jobWatch(jobId, watchOptions).cancel();
    },
    forget: list.remove,
    close,
  };
}

/** How long the server may not know a job that the app's route has created, in milliseconds. */
const EXPECTED_MS = 10_000;

function closed(): ProgressError {
  return new ProgressError("closed", {
    message: "This JobManager is closed. Create a new one.",
  });
}
