import {
  type AnyJob,
  isProgressError,
  isTerminal,
  type JobState,
  type JobTypes,
  ProgressError,
} from "@emlinh/progress-protocol";
import type { GuardedStore } from "../guarded-store.js";
import { stateIn } from "../jobs.js";
import type { Settings } from "../options.js";
import type { OpenReporter } from "./create-reporter.js";
import type { OpenOptions } from "./open-job.js";
import type { Reporter } from "./reporter.js";

/** The work of a job. It may return nothing if the result may be `null`. */
export type Work<Job extends JobTypes> = (
  job: Reporter<Job>,
) => Promise<Returned<Job["result"]>> | Returned<Job["result"]>;

/** The value that work returns: its result, or nothing if the result may be `null`. */
// biome-ignore lint/suspicious/noConfusingVoidType: an async function without a `return` has the type `Promise<void>`.
export type Returned<Result> = null extends Result ? Result | void : Result;

/** How a job is run. */
export interface RunOptions<Job extends JobTypes = AnyJob> extends OpenOptions<Job> {
  /**
   * Whether `run` throws the error of the work after the job has ended as `failed`, so that a queue which calls it counts
   * a failure. By default it resolves with the state, and the error goes to `onError`.
   * @defaultValue `false`
   */
  readonly rethrow?: boolean | undefined;
}

/** The dependencies of {@link runJob}. */
export interface RunContext {
  readonly store: GuardedStore;
  readonly settings: Pick<Settings, "onError">;
  readonly rethrow: boolean;
}

/**
 * Runs the work of an opened job, and ends the job exactly once, whatever happens: `completed` with the value that the
 * work returned, `cancelled` if it stopped after a cancel, else `failed`. Work that requeues the job leaves it
 * `queued`.
 *
 * @returns the state after the end, also if someone else ended the job (a cancel, a deadline, a sweep).
 * @throws ProgressError `store-unavailable` if the end could not be delivered; `attempt-superseded`, `hold-lost`,
 * `job-expired` or `closed` if the job went on or was removed without this worker. The work's own error with `rethrow`,
 * or if it requeued the job and then threw.
 */
export async function runJob<Job extends JobTypes>(
  context: RunContext,
  reporter: OpenReporter<Job>,
  work: Work<Job>,
): Promise<JobState<Job>> {
  let end: End<Job>;
  try {
    end = await endOf(reporter, work, context);
  } catch (error) {
    // Someone else may have ended the job just before. Then the result is that end, else this error.
    const state = await endedState<Job>(context, reporter.id, error);
    if (state === undefined) throw error;
    end = { state };
  } finally {
    await reporter.abandon();
  }
  if (end.failure !== undefined && context.rethrow) throw end.failure.error;
  return end.state;
}

/** The state after the end, and the error of work that failed. */
interface End<Job extends JobTypes> {
  readonly state: JobState<Job>;
  readonly failure?: { readonly error: unknown };
}

async function endOf<Job extends JobTypes>(
  reporter: OpenReporter<Job>,
  work: Work<Job>,
  context: RunContext,
): Promise<End<Job>> {
  const { signal } = reporter;
  try {
    // The job may have been cancelled before the work began.
    signal.throwIfAborted();
    const result = await work(reporter);
    if (reporter.isRequeued()) return { state: reporter.state };
    return { state: await reporter.complete((result ?? null) as Job["result"]) };
  } catch (error) {
    if (reporter.isRequeued()) throw error;
    // A result that can't be stored is an error too: no job is left without an end.
    if (!signal.aborted) return { state: await reporter.fail(error), failure: { error } };
    const reason: unknown = signal.reason;
    if (!isProgressError(reason, "job-cancelled")) throw reason;
    if (!isAbort(error, reason)) context.settings.onError(afterCancel(reporter.id, error));
    return { state: await reporter.cancelled() };
  }
}

/**
 * Whether an error is how work stops: the reason itself, as `throwIfAborted` and `fetch` throw it, or the platform's
 * AbortError.
 */
function isAbort(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.name === "AbortError");
}

function afterCancel(jobId: string, cause: unknown): ProgressError {
  return new ProgressError("job-failed", {
    message: `The work of the job "${jobId}" threw after it was asked to stop. The job is cancelled.`,
    cause,
  });
}

const ENDED_ELSEWHERE: ReadonlySet<string> = new Set([
  "job-finished",
  "job-cancelled",
  "job-lost",
  "job-timed-out",
]);

async function endedState<Job extends JobTypes>(
  { store }: RunContext,
  jobId: string,
  error: unknown,
): Promise<JobState<Job> | undefined> {
  if (!isProgressError(error) || !ENDED_ELSEWHERE.has(error.code)) return undefined;
  const delta = await store.read(jobId);
  if (delta === undefined || !isTerminal(delta.set.status)) return undefined;
  return stateIn<Job>(jobId, delta);
}
