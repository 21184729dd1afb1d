import type { AnyJob, Fields, JobDefinition, JobTypes, Json } from "@emlinh/progress-protocol";
import { closedError, jobFinished } from "../../shared/errors.js";
import type { CreatedJob } from "../draft.js";
import type { GuardedStore } from "../guarded-store.js";
import { resolveLeaseMs, type Settings } from "../options.js";
import { createReporter, type OpenReporter } from "./create-reporter.js";
import { createJobWatcher } from "./job-watcher.js";
import type { OpenedJob } from "./worker-state.js";

/** How a job is opened. */
export interface OpenOptions<Job extends JobTypes = AnyJob> {
  /** Aborting it cancels the work, like a cancel from outside. */
  readonly signal?: AbortSignal | undefined;
  /** The job's types and the validator of its result, where only an id is at hand. */
  readonly definition?: JobDefinition<Job> | undefined;
  /** Replaces the server's option; at least three times its `reportIntervalMs`. */
  readonly leaseMs?: number | undefined;
  /**
   * `"next"` begins a retry: steps, percent and error are cleared, and from then on the worker of the attempt before is
   * refused.
   * @defaultValue `"current"`
   */
  readonly attempt?: "current" | "next" | undefined;
}

/** The dependencies of {@link openJob}. */
export interface OpenContext {
  readonly store: GuardedStore;
  readonly settings: Settings;
  isClosed(): boolean;
  readonly onOpened: (reporter: OpenReporter<JobTypes>) => void;
  readonly onClosed: (reporter: OpenReporter<JobTypes>) => void;
}

/**
 * Opens a job for a worker. From then on it is running and leased.
 *
 * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `attempt-superseded` if another worker began
 * the same attempt, `store-unavailable`, `closed`, `invalid-option`
 */
export async function openJob<Job extends JobTypes>(
  context: OpenContext,
  job: string | CreatedJob<Job>,
  options: OpenOptions<Job> = {},
): Promise<OpenReporter<Job>> {
  const { store, settings, onOpened, onClosed } = context;
  if (context.isClosed()) throw closedError("This progress");
  const opened = await takeJob(context, job, options);
  const reporter: OpenReporter<Job> = createReporter<Job>({
    ...opened,
    store,
    settings,
    signal: options.signal,
    onClosed: () => onClosed(reporter as OpenReporter<JobTypes>),
  });
  onOpened(reporter as OpenReporter<JobTypes>);
  await reporter.begin();
  return reporter;
}

async function takeJob<Job extends JobTypes>(
  context: OpenContext,
  job: string | CreatedJob<Job>,
  options: OpenOptions<Job>,
): Promise<OpenedJob<Job>> {
  const { store, settings } = context;
  const jobId = typeof job === "string" ? job : job.id;
  const leaseMs = resolveLeaseMs(options.leaseMs, settings);
  const watcher = createJobWatcher({ ...settings, jobId, store });
  try {
    const { set: before, done } = await watcher.open();
    if (done) throw jobFinished(jobId, String(before.status));
    const { set, attempt } = firstWrite(before, options.attempt, settings.clock());
    const cursor = await watcher.write({ set, log: [], attempt, leaseMs });
    // Nothing would stop a reporter that is made after `close()`. The lease that it took runs out.
    if (context.isClosed()) throw closedError("This progress");
    const definition = options.definition ?? (typeof job === "string" ? undefined : job.definition);
    const fields = { ...before, ...set, stale: false };
    return { jobId, definition, attempt, leaseMs, fields, cursor, watcher };
  } catch (error) {
    watcher.stop();
    throw error;
  }
}

/** The write that opens a job, and the attempt that it belongs to. */
function firstWrite(
  before: Fields,
  wanted: OpenOptions["attempt"],
  now: number,
): { readonly set: Fields; readonly attempt: number } {
  const current = Number(before.attempt ?? 1);
  if (wanted === "next")
    return { set: nextAttempt(before, current + 1, now), attempt: current + 1 };
  // A job that is running already is only taken over.
  const begins = before.status === "queued";
  return { set: begins ? { status: "running", startedAt: now } : {}, attempt: current };
}

function nextAttempt(before: Fields, attempt: number, now: number): Fields {
  const cleared: Record<string, Json> = {};
  for (const field of Object.keys(before)) if (field.startsWith("steps.")) cleared[field] = null;
  return {
    ...cleared,
    status: "running",
    attempt,
    step: null,
    percent: null,
    error: null,
    startedAt: now,
  };
}
