import {
  type AnyJob,
  isProgressError,
  type JobState,
  type JobTypes,
} from "@emlinh/progress-protocol";
import { type DrainOptions, resolveDrainTimes } from "../shared/drain-times.js";
import { checkedTarget, type DisconnectTarget } from "./disconnect-target.js";
import { type CreatedJob, type CreateJob, checkedJobId } from "./draft.js";
import type { EndOptions, EndStatus } from "./end-fields.js";
import { guardStore } from "./guarded-store.js";
import { createHandler } from "./http/handler.js";
import type { Answer, RequestFacts } from "./http/types.js";
import { createHub, type Hub } from "./hub/hub.js";
import type { JobUpdate } from "./job-update.js";
import { createJobs, type JobStatusReport } from "./jobs.js";
import { createLearner } from "./learner.js";
import { type JobList, type ListOptions, listJobs } from "./list-jobs.js";
import { metricsOf, type ProgressMetrics } from "./metrics.js";
import { type ProgressOptions, resolveOptions } from "./options.js";
import type { OpenReporter } from "./reporter/create-reporter.js";
import { type OpenContext, type OpenOptions, openJob } from "./reporter/open-job.js";
import type { Reporter } from "./reporter/reporter.js";
import {
  checkedRun,
  type PlainResult,
  type Returned,
  type RunOptions,
  runJob,
  type Work,
} from "./reporter/run-job.js";
import type { SweepReport } from "./store.js";
import { createSweeper } from "./sweeper.js";
import { type JobListener, watchJob } from "./watch-job.js";
import { createWorkerReports } from "./worker-reports.js";

/**
 * Creates, runs and serves jobs. One per process and store.
 *
 * @typeParam Raw - The framework's request, as `authorize` takes it. Only adapters of that framework accept the
 * progress. A function that only works with jobs takes a `Progress` without it.
 */
export interface Progress<Raw = unknown> {
  /**
   * Creates a job. It is `queued`.
   *
   * @throws ProgressError `invalid-option`, `invalid-change`, `too-large`, `store-full`, `store-unavailable`
   */
  create<Job extends JobTypes = AnyJob, Metadata = object>(
    input: CreateJob<Job, Metadata>,
  ): Promise<CreatedJob<Job>>;
  /**
   * Opens a job to work on it. From then on it is `running`, and held by the returned reporter: no other worker can
   * open it until the lease runs out, except for the next attempt or with `takeOver`.
   *
   * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `job-held` if another worker holds the job,
   * `attempt-superseded`, `store-unavailable`, `closed`, `invalid-option`
   */
  open<Job extends JobTypes = AnyJob>(
    job: string | CreatedJob<Job>,
    options?: OpenOptions<Job>,
  ): Promise<Reporter<Job>>;
  /**
   * Opens a job, runs the work, and ends the job exactly once: `completed` with the value that the work returns,
   * `failed` if it throws, `cancelled` if it stops after a cancel.
   *
   * @returns the job's state after its end. The error of work that failed goes to `onError`, unless it is a
   * `JobFailure`; with `rethrow` it is also thrown.
   * @throws ProgressError as `open` does, or the reason why the end could not be stored.
   *
   * @example
   * ```ts
   * await progress.run(job, async (job) => {
   *   await job.step("render", async (step) => step.update({ done: 40, total: 249, unit: "frames" }));
   *   return { videoUrl };
   * });
   * ```
   */
  run<
    Job extends JobTypes = AnyJob,
    Result extends Returned<Job["result"]> = Returned<Job["result"]>,
  >(
    job: string | CreatedJob<Job>,
    work: Work<Job, Result> & PlainResult<Result>,
    options?: RunOptions<Job>,
  ): Promise<JobState<Job>>;
  /** A job's whole state, or `undefined` if it is unknown or was removed. @throws ProgressError `store-unavailable` */
  status<Job extends JobTypes = AnyJob>(jobId: string): Promise<JobStatusReport<Job> | undefined>;
  /**
   * Reads jobs of a subject, the newest first, page by page. `summaryOf(jobs)` is the progress of a batch.
   *
   * @throws ProgressError `invalid-option`, `store-unavailable`
   *
   * @example
   * ```ts
   * const { jobs, next } = await progress.list({ subject: `user:${user.id}`, limit: 20 });
   * ```
   */
  list<Job extends JobTypes = AnyJob>(options: ListOptions): Promise<JobList<Job>>;
  /**
   * Updates a job that no worker has opened, for example with its position in the queue. A worker uses its reporter
   * instead.
   *
   * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `job-held` for the percent of a job that a
   * worker holds, `invalid-change`, `too-large`, `store-unavailable`
   */
  update<Job extends JobTypes = AnyJob, Metadata = object>(
    jobId: string,
    update: JobUpdate<Job, Metadata>,
  ): Promise<void>;
  /**
   * Asks the worker to stop. A job that is still queued ends at once (P27). Idempotent.
   *
   * @returns the state, or `undefined` if the job is unknown or was removed.
   */
  cancel(jobId: string): Promise<JobState | undefined>;
  /**
   * Ends a job otherwise than `completed`, for a supervisor that knows its worker is gone. Running steps are closed as
   * `failed`.
   *
   * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `invalid-option`, `too-large`,
   * `store-unavailable`
   */
  end(jobId: string, status: EndStatus, options?: EndOptions): Promise<JobState>;
  /**
   * Removes an ended job now, with its log and its key. Its readers are notified that it is gone.
   *
   * @returns `false` if the job is unknown or was removed before.
   * @throws ProgressError `job-not-finished`, `store-unavailable`
   */
  remove(jobId: string): Promise<boolean>;
  /**
   * Watches a job in this process. The listener is called with the state at once, after each change, and with
   * `undefined` if the job is removed. The watch ends by itself after the job's end or removal, and with `close()`.
   *
   * @returns a function that ends the watch. Idempotent.
   * @throws ProgressError `job-not-found`, `job-expired`, `store-unavailable`, `closed`, `invalid-option`
   */
  watch(jobId: string, listener: JobListener): Promise<() => void>;
  /** Answers one request; adapters call it. Never rejects. */
  handle(facts: RequestFacts<Raw>): Promise<Answer>;
  /**
   * Withdraws permissions: closes open streams of this process with `bye: auth`, and answers held polls. Their readers
   * come back at once and `authorize` decides again, so change what it looks at first. Requests that were authorized
   * but not answered yet are authorized again. In an app of several processes, call it in each.
   *
   * @returns the number of streams and polls.
   * @throws ProgressError `invalid-option`
   */
  disconnect(target: DisconnectTarget): number;
  /** Runs one sweep now. */
  sweep(): Promise<SweepReport>;
  /**
   * Refuses new streams, answers requests that wait for `authorize` or the store with 503, and sends the open streams
   * away. Resolves when all are gone, and at the latest after `timeoutMs`, when those that are left are destroyed. Then
   * `server.close()` ends too.
   *
   * @throws ProgressError `invalid-option`
   */
  drain(options?: DrainOptions): Promise<void>;
  /**
   * Sends the open streams away at once, stops sweeping, and stops every reporter: its `signal` aborts with `closed`,
   * and its lease runs out unless another process takes the job over. The store stays open. Idempotent.
   */
  close(): Promise<void>;
  /** The figures of this process, for Prometheus, OpenTelemetry and logs. Cheap: a copy of some numbers. */
  metrics(): ProgressMetrics;
  /**
   * Whether this process can serve readers, for a readiness probe: it was not closed, it does not drain, and the store
   * has answered a read within two seconds. Calls at the same time share one read. Never rejects.
   */
  healthy(): Promise<boolean>;
}

/**
 * Creates the progress of a server, and starts its sweep.
 *
 * @throws ProgressError `invalid-option`
 *
 * @example
 * ```ts
 * const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
 * ```
 */
export function createProgress<Raw = unknown>(options: ProgressOptions<Raw>): Progress<Raw> {
  const settings = resolveOptions(options);
  const store = guardStore(settings);
  const hub = createHub(store, settings);
  const learner = createLearner({ store, settings });
  const jobs = createJobs({ store, settings, learner });
  const reports = createWorkerReports({ store, settings, learner });
  const workers = createWorkers({ store, settings, learner }, hub);
  const isReachable = shared(() => store.isReachable(HEALTH_TIMEOUT_MS));
  const sweeper = createSweeper({ store, settings, renewLeases: workers.renewLeases });
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    sweeper.close();
    const stopped = workers.abandonAll();
    hub.close();
    await stopped;
    await learner.settled();
  }

  return {
    create: (input) => jobs.create(input),
    open: workers.open,
    run: workers.run,
    status: async <Job extends JobTypes>(jobId: string) =>
      unlessUnknown(jobs.read<Job>(checkedJobId("status", jobId)), undefined),
    list: async (options) => listJobs(jobs, options),
    update: async (jobId, update) =>
      jobs.update(checkedJobId("update", jobId), update as JobUpdate),
    cancel: async (jobId) => unlessUnknown(jobs.cancel(checkedJobId("cancel", jobId)), undefined),
    end: async (jobId, status, endOptions) =>
      jobs.end(checkedJobId("end", jobId), status, endOptions),
    remove: async (jobId) => unlessUnknown(jobs.removeKnown(checkedJobId("remove", jobId)), false),
    watch: async (jobId, listener) =>
      watchJob({ hub, settings, now: store.now }, checkedJobId("watch", jobId), listener),
    handle: createHandler({ hub, jobs, reports, settings, sweep: sweeper.sweep }),
    disconnect: (target) => hub.disconnect(checkedTarget(target)),
    sweep: () => sweeper.sweep(),
    drain: async (times = {}) => hub.drain(resolveDrainTimes(times)),
    close() {
      closing ??= closeAll();
      return closing;
    },
    metrics: () => metricsOf(settings.metrics, { ...hub.figures(), reporters: workers.count() }),
    // `close()` begins to drain too. The read takes time, so the server may begin to drain meanwhile.
    healthy: async () => !hub.isDraining() && (await isReachable()) && !hub.isDraining(),
  };
}

/** Milliseconds after which a readiness probe gives the store up. Balancers often wait for only a few seconds. */
const HEALTH_TIMEOUT_MS = 2_000;

/** Lets calls at the same time share one run. @param run - Must not throw or reject. */
function shared<Result>(run: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined;
  return () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** The reporters of this process. */
interface Workers extends Pick<Progress, "open" | "run"> {
  count(): number;
  /** Stops every reporter without giving up its lease. */
  abandonAll(): Promise<void>;
  renewLeases(): void;
}

function createWorkers(
  parts: Pick<OpenContext, "store" | "settings" | "learner">,
  hub: Hub,
): Workers {
  const { store, settings } = parts;
  const reporters = new Set<OpenReporter<JobTypes>>();
  const context: OpenContext = {
    ...parts,
    isClosed: hub.isClosed,
    onOpened: (reporter) => reporters.add(reporter),
    onClosed: (reporter) => reporters.delete(reporter),
  };
  return {
    open: (job, options) => openJob(context, job, options),
    async run(job, work, options) {
      const { rethrow, openOptions } = checkedRun(job, work, options);
      const reporter = await openJob(context, job, openOptions);
      return runJob({ store, settings, rethrow }, reporter, work);
    },
    count: () => reporters.size,
    async abandonAll() {
      await Promise.all([...reporters].map((reporter) => reporter.abandon()));
    },
    renewLeases() {
      for (const reporter of reporters) reporter.renewLease();
    },
  };
}

async function unlessUnknown<Result, Missing>(
  answer: Promise<Result>,
  missing: Missing,
): Promise<Result | Missing> {
  try {
    return await answer;
  } catch (error) {
    if (isProgressError(error, "job-not-found") || isProgressError(error, "job-expired"))
      return missing;
    throw error;
  }
}
