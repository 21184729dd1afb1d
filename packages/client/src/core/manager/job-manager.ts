import { type AnyJob, type JobTypes, ProgressError } from "@emlinh/progress-protocol";
import type { CancelReply, JobWatch } from "../job-watch.js";
import { checkPositive } from "../option-checks.js";
import { resolveWatchOptions, type WatchOptions } from "../options.js";
import { type CreateOptions, type JobCreator, jobCreator } from "./job-creator.js";
import { type JobList, jobList } from "./job-list.js";
import { type JobStorage, pageStorage, storedIds } from "./stored-ids.js";

/** The options of a {@link JobManager}. */
export interface JobManagerOptions<Job extends JobTypes = AnyJob> extends WatchOptions<Job> {
  /**
   * The address of the app's own route that creates jobs. It answers with a status of 2xx and `{ "jobId" }`. Needed by
   * `create` only.
   */
  createUrl?: string | undefined;
  /**
   * Keeps the ids of the jobs across reloads; `false` keeps nothing.
   *
   * @defaultValue `sessionStorage`, where it exists
   */
  storage?: JobStorage | false | undefined;
  /** The key in the storage. @defaultValue `emlinh-progress:` and the `baseUrl` */
  storageKey?: string | undefined;
  /**
   * The maximum of streams and long polls that are open at a time. The other watches poll at an interval until a slot
   * is free.
   *
   * @defaultValue `4` in a page; otherwise `Infinity`
   */
  maxStreams?: number | undefined;
}

/** The names of the options that a watch does not have. */
const MANAGER_OPTIONS = ["createUrl", "storage", "storageKey", "maxStreams"];

/** Browsers open six connections to an HTTP/1.1 server; two stay free for the rest of the page. */
const MAX_STREAMS_IN_PAGE = 4;

/**
 * Creates jobs, watches many of them at a time, and finds them again after a reload of the page.
 *
 * @example
 * ```ts
 * const jobs = new JobManager({ baseUrl: "/api/progress", createUrl: "/api/create-video", definition: videoJob });
 * const video = await jobs.create({ topic: "Spring", duration: 30, voice: "vi" });
 * video.on("progress", (job) => console.log(job.percent));
 * const { videoUrl } = await video.result;
 * ```
 */
export class JobManager<Job extends JobTypes = AnyJob> {
  // Records of closures instead of `#private` members: a manager also works through the proxy of a reactive framework.
  private readonly list: JobList<Job>;
  private readonly createJob: JobCreator;
  private readonly lifetime: Lifetime;

  /** @throws {@link ProgressError} `invalid-option`. */
  constructor(options: JobManagerOptions<Job>) {
    const resolved = resolveWatchOptions(options, MANAGER_OPTIONS);
    const inPage = typeof document !== "undefined";
    const { createUrl, storage = pageStorage() } = options;
    const { storageKey = `emlinh-progress:${resolved.baseUrl}` } = options;
    const { maxStreams = inPage ? MAX_STREAMS_IN_PAGE : Number.POSITIVE_INFINITY } = options;
    checkPositive("maxStreams", maxStreams);
    const closing = new AbortController();
    this.lifetime = lifetime(closing);
    this.createJob = jobCreator(resolved, createUrl, closing.signal);
    this.list = jobList({
      options: resolved,
      maxStreams,
      stored: storedIds(storage, storageKey),
    });
  }

  /**
   * Creates a job and adds its watch to the list. After a network failure the request is sent again with the same key,
   * so that there is one job. While a request is under way, a second call with the same key or, without one, the same
   * input (a double click) waits for the same job.
   *
   * @param input - The JSON body for the app's route.
   * @throws {@link ProgressError} with the code of the route's refusal, or the last failure; `closed`; `invalid-option`
   * without a `createUrl`.
   */
  async create(input: object, options?: CreateOptions): Promise<JobWatch<Job>> {
    return this.watch(await this.createJob(input, options));
  }

  /** Returns the watch of a job: the same one for the same id. @throws {@link ProgressError} `closed`. */
  watch(jobId: string): JobWatch<Job> {
    this.lifetime.assertOpen();
    return this.list.watch(jobId);
  }

  /** The watches in the order in which they were added. */
  jobs(): readonly JobWatch<Job>[] {
    return this.list.all();
  }

  /** As {@link JobManager.jobs}: the same array until the list changes. */
  readonly getSnapshot = (): readonly JobWatch<Job>[] => this.list.all();

  /**
   * Calls a listener after each change of the list, but not after a change of a job.
   *
   * @returns a function that removes the listener.
   */
  readonly subscribe = (listener: () => void): (() => void) => this.list.subscribe(listener);

  /**
   * Adds the jobs that an earlier page of this session stored. Returns all watches.
   *
   * @throws {@link ProgressError} `closed`.
   */
  resume(): readonly JobWatch<Job>[] {
    this.lifetime.assertOpen();
    return this.list.restore();
  }

  /** Asks a job to stop. @throws {@link ProgressError} with the code of the server's refusal; `closed`. */
  async cancel(jobId: string): Promise<CancelReply> {
    return this.watch(jobId).cancel();
  }

  /** Stops watching a job, and removes it from the list and the storage. The job goes on. */
  forget(jobId: string): void {
    this.list.remove(jobId);
  }

  /**
   * Stops every watch and every request to create. The storage keeps the ids. Idempotent; later calls of the manager
   * throw `closed`.
   */
  close(): void {
    this.lifetime.end();
    this.list.stop();
  }
}

/** Whether a manager is open. */
interface Lifetime {
  /** @throws {@link ProgressError} `closed`. */
  assertOpen(): void;
  end(): void;
}

function lifetime(closing: AbortController): Lifetime {
  const closed = (): ProgressError =>
    new ProgressError("closed", { message: "This JobManager is closed. Create a new one." });
  return {
    assertOpen() {
      if (closing.signal.aborted) throw closed();
    },
    end: () => closing.abort(closed()),
  };
}
