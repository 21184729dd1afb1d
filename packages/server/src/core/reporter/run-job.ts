import {
  type AnyJob,
  isTerminal,
  type JobState,
  type JobTypes,
  type PlainJson,
  ProgressError,
} from "@emlinh/progress-protocol";
import { isOurs } from "../../shared/errors.js";
import { checksFor } from "../../shared/option-checks.js";
import { checkedJob } from "../draft.js";
import type { GuardedStore } from "../guarded-store.js";
import { stateIn } from "../jobs.js";
import type { Settings } from "../options.js";
import type { OpenReporter } from "./create-reporter.js";
import type { OpenOptions } from "./open-job.js";
import type { Reporter } from "./reporter.js";

/**
 * The work of a job. It may return nothing if the result may be `null`.
 *
 * @typeParam Result - The type of the returned value: that of the definition or, without one, any plain JSON.
 */
export type Work<
  Job extends JobTypes = AnyJob,
  Result extends Returned<Job["result"]> = Returned<Job["result"]>,
> = (job: Reporter<Job>) => Promise<Result> | Result;

/** An intersection with it refuses work whose result JSON would change. */
export type PlainResult<Result> = [Result] extends [PlainJson<Result>]
  ? unknown
  : "the result is not plain JSON";

/** The value that work returns: its result, or nothing if the result may be `null`. */
// biome-ignore lint/suspicious/noConfusingVoidType: an async function without a `return` has the type `Promise<void>`.
export type Returned<Result> = null extends Result ? Result | void : Result;

/** How a job is run. */
export interface RunOptions<Job extends JobTypes = AnyJob> extends OpenOptions<Job> {
  /**
   * Whether `run` throws the error of the work after the job has ended as `failed`, so that a queue which calls it
   * counts a failure. By default it resolves with the state, and the error goes to `onError`.
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

/** Checks the arguments of `run` before the job is opened. @throws ProgressError `invalid-option` */
export function checkedRun<Job extends JobTypes>(
  job: unknown,
  work: unknown,
  options: RunOptions<Job> = {},
): { readonly rethrow: boolean; readonly openOptions: OpenOptions<Job> } {
  checkedJob("run", job);
  if (typeof work !== "function")
    throw invalid("work", work, "a function, as in run(job, async (job) => {})");
  names(options, ["signal", "definition", "leaseMs", "attempt", "takeOver", "rethrow"]);
  const { rethrow = false, ...openOptions } = options;
  flag("rethrow", rethrow);
  return { rethrow, openOptions };
}

const { names, flag, invalid } = checksFor("run");

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
  const outcome = await outcomeOf(reporter, work);
  let state: JobState<Job>;
  try {
    state = await endOf(context, reporter, outcome);
  } finally {
    await reporter.abandon();
  }
  if (context.rethrow && outcome.failure !== undefined && state.status === "failed")
    throw outcome.failure.error;
  return state;
}

/** The value that the work returned, or the error that it threw, which may be `undefined`. */
interface Outcome<Job extends JobTypes> {
  readonly result?: Job["result"];
  failure?: { readonly error: unknown };
}

async function outcomeOf<Job extends JobTypes>(
  reporter: OpenReporter<Job>,
  work: Work<Job>,
): Promise<Outcome<Job>> {
  try {
    // The job may have been cancelled before the work began.
    reporter.signal.throwIfAborted();
    return { result: ((await work(reporter)) ?? null) as Job["result"] };
  } catch (error) {
    return { failure: { error } };
  }
}

async function endOf<Job extends JobTypes>(
  context: RunContext,
  reporter: OpenReporter<Job>,
  outcome: Outcome<Job>,
): Promise<JobState<Job>> {
  if (reporter.isRequeued()) {
    if (outcome.failure !== undefined) throw outcome.failure.error;
    return reporter.state;
  }
  const hasEnded = reporter.isEnding();
  try {
    if (outcome.failure === undefined) return await completeOrFail(reporter, outcome);
    return await endFailed(context, reporter, outcome.failure.error);
  } catch (error) {
    // The job may have ended before: by the work itself, or by someone else. Then the result is that end.
    const state = await endedState<Job>(context, reporter.id, error);
    if (hasEnded && outcome.failure !== undefined && state?.status !== "failed")
      context.settings.onError(failedLate(reporter.id, outcome.failure.error, "ended it"));
    if (state === undefined) throw error;
    return state;
  }
}

/** A result that can't be stored is an error of the work: no job is left without an end. */
async function completeOrFail<Job extends JobTypes>(
  reporter: OpenReporter<Job>,
  outcome: Outcome<Job>,
): Promise<JobState<Job>> {
  try {
    return await reporter.complete(outcome.result as Job["result"]);
  } catch (error) {
    if (!isOurs(error, "invalid-change") && !isOurs(error, "too-large")) throw error;
    outcome.failure = { error };
    return reporter.fail(error);
  }
}

async function endFailed<Job extends JobTypes>(
  context: RunContext,
  reporter: OpenReporter<Job>,
  error: unknown,
): Promise<JobState<Job>> {
  const { signal, id } = reporter;
  if (!signal.aborted) return reporter.fail(error);
  const reason: unknown = signal.reason;
  if (!isAbort(error, reason)) context.settings.onError(failedLate(id, error, "was asked to stop"));
  if (!isOurs(reason, "job-cancelled")) throw reason;
  return reporter.cancelled();
}

/**
 * Whether an error is how work stops: the reason itself, as `throwIfAborted` and `fetch` throw it, or the platform's
 * AbortError.
 */
function isAbort(error: unknown, reason: unknown): boolean {
  try {
    return error === reason || (error instanceof Error && error.name === "AbortError");
  } catch {
    // A proxy or a getter of the work threw.
    return false;
  }
}

/** @param when - The event before the error. */
function failedLate(jobId: string, cause: unknown, when: string): ProgressError {
  return new ProgressError("job-failed", {
    message: `The work of the job "${jobId}" threw after it ${when}, so the job does not end as failed.`,
    details: { jobId },
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
  if (!isOurs(error) || !ENDED_ELSEWHERE.has(error.code)) return undefined;
  const delta = await store.read(jobId);
  if (delta === undefined || !isTerminal(delta.set.status)) return undefined;
  return stateIn<Job>(jobId, delta);
}
