import {
  type AnyJob,
  isProgressError,
  type JobState,
  type JobTypes,
} from "@emlinh/progress-protocol";
import type { CreatedJob, CreateJob } from "./draft.js";
import { guardStore } from "./guarded-store.js";
import { createHandler } from "./http/handler.js";
import type { Answer, RequestFacts } from "./http/types.js";
import { createHub, type HubStats } from "./hub/hub.js";
import { createJobs, type JobStatusReport } from "./jobs.js";
import { type ProgressOptions, resolveOptions, resolveSpreadMs } from "./options.js";
import { type OpenOptions, type OpenRooms, openJob } from "./reporter/open-job.js";
import type { OpenReporter } from "./reporter/open-reporter.js";
import type { Reporter } from "./reporter/reporter.js";
import { runJob, type Work } from "./reporter/run-job.js";
import type { SweepReport } from "./store.js";
import { createSweeper } from "./sweeper.js";

/** What goes on in this process. */
export interface ProgressStats extends HubStats {
  /** Jobs that are open for work here. */
  readonly reporters: number;
}

/** How a server stops. */
export interface DrainOptions {
  /** Milliseconds over which the open streams are sent away, so that they don't all come back at once. @defaultValue `5_000` */
  readonly spreadMs?: number | undefined;
}

/** The progress of jobs: made, worked on, watched. One per process and store. */
export interface Progress {
  /**
   * Makes a job, `queued`.
   *
   * @throws ProgressError `invalid-option`, `invalid-change`, `too-large`, `store-full`, `store-unavailable`
   */
  create<Job extends JobTypes = AnyJob>(input: CreateJob<Job>): Promise<CreatedJob<Job>>;
  /**
   * Takes a job to work on it: it is `running` from then on.
   *
   * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `attempt-superseded`, `store-unavailable`, `closed`
   */
  open<Job extends JobTypes = AnyJob>(
    job: string | CreatedJob<Job>,
    options?: OpenOptions<Job>,
  ): Promise<Reporter<Job>>;
  /**
   * Opens a job, does the work, and ends the job exactly once: `completed` with what the work returns, `failed` if it throws, `cancelled` if it stops
   * after a cancel.
   *
   * @returns the job's state after its end.
   * @throws ProgressError as `open` does, or why the end could not be stored.
   *
   * @example
   * ```ts
   * await progress.run(job, async (job) => {
   *   await job.step("render", async (step) => step.update({ done: 40, total: 249, unit: "frames" }));
   *   return { videoUrl };
   * });
   * ```
   */
  run<Job extends JobTypes = AnyJob>(
    job: string | CreatedJob<Job>,
    work: Work<Job>,
    options?: OpenOptions<Job>,
  ): Promise<JobState<Job>>;
  /** A job's whole state; `undefined` if it is unknown or no longer kept. @throws ProgressError `store-unavailable` */
  status(jobId: string): Promise<JobStatusReport | undefined>;
  /** Asks the worker to stop; a job that is still queued ends at once (P27). Idempotent. `undefined` if the job is unknown or no longer kept. */
  cancel(jobId: string): Promise<JobState | undefined>;
  /** Answers one request; adapters call it. Never rejects. */
  handle(facts: RequestFacts): Promise<Answer>;
  /** One sweep, now. */
  sweep(): Promise<SweepReport>;
  /** Refuses new streams, sends each open one away, and resolves when all are gone: then `server.close()` ends too. */
  drain(options?: DrainOptions): Promise<void>;
  /**
   * Drains at once, stops sweeping, and stops every reporter: its `signal` aborts with `closed`, and its lease runs out, unless another process takes the
   * job over. The store stays open. Idempotent.
   */
  close(): Promise<void>;
  stats(): ProgressStats;
}

/**
 * Makes the progress of a server, and starts its sweep.
 *
 * @throws ProgressError `invalid-option`
 *
 * @example
 * ```ts
 * const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
 * ```
 */
export function createProgress(options: ProgressOptions): Progress {
  const settings = resolveOptions(options);
  const store = guardStore(settings.store);
  const hub = createHub(store, settings);
  const jobs = createJobs(store, settings.clock);
  const sweeper = createSweeper(store, settings);
  const handle = createHandler({ hub, jobs, settings, sweep: sweeper.sweep });
  const reporters = new Set<OpenReporter<JobTypes>>();
  const rooms: OpenRooms = {
    hub,
    store,
    settings,
    onOpened: (reporter) => reporters.add(reporter),
    onClosed: (reporter) => reporters.delete(reporter),
  };
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    sweeper.close();
    const stopped = Promise.all([...reporters].map((reporter) => reporter.abandon()));
    hub.close();
    await stopped;
  }

  return {
    create: (input) => jobs.create(input),
    open: (job, openOptions) => openJob(rooms, job, openOptions),
    async run(job, work, openOptions) {
      return runJob({ store, settings }, await openJob(rooms, job, openOptions), work);
    },
    status: (jobId) => unlessUnknown(jobs.read(jobId)),
    cancel: (jobId) => unlessUnknown(jobs.cancel(jobId)),
    handle,
    sweep: () => sweeper.sweep(),
    drain: async ({ spreadMs } = {}) => hub.drain(resolveSpreadMs(spreadMs)),
    close() {
      closing ??= closeAll();
      return closing;
    },
    stats: () => ({ ...hub.stats(), reporters: reporters.size }),
  };
}

async function unlessUnknown<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isProgressError(error, "job-not-found") || isProgressError(error, "job-expired"))
      return undefined;
    throw error;
  }
}
