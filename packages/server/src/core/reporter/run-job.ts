import {
  isProgressError,
  isTerminal,
  type JobState,
  type JobTypes,
  ProgressError,
} from "@emlinh/progress-protocol";
import type { GuardedStore } from "../guarded-store.js";
import { stateIn } from "../jobs.js";
import type { Settings } from "../options.js";
import type { OpenReporter } from "./open-reporter.js";
import type { Reporter } from "./reporter.js";

/** What a job does. Where the result may be `null`, work that returns nothing will do. */
export type Work<Job extends JobTypes> = (
  job: Reporter<Job>,
) => Promise<Returned<Job["result"]>> | Returned<Job["result"]>;

/** What work may return: its result; or nothing, where the result may be `null`. */
// biome-ignore lint/suspicious/noConfusingVoidType: the type of an async function without a `return` is `Promise<void>`, and of no other name.
export type Returned<Result> = null extends Result ? Result | void : Result;

/** What runs need. */
export interface RunRooms {
  readonly store: GuardedStore;
  readonly settings: Pick<Settings, "clock" | "onError">;
}

/**
 * Does the work of an opened job, and ends the job exactly once, whatever happens: `completed` with what the work returned, `cancelled` if it stopped
 * after a cancel, else `failed`.
 *
 * @returns the state after the end, be it by another hand (a cancel, a deadline, a sweep).
 * @throws ProgressError `store-unavailable` if the end could not be delivered; `attempt-superseded`, `job-expired` or `closed` if the job went on,
 * or is gone, without this worker.
 */
export async function runJob<Job extends JobTypes>(
  rooms: RunRooms,
  reporter: OpenReporter<Job>,
  work: Work<Job>,
): Promise<JobState<Job>> {
  try {
    return await endOf(reporter, work, rooms);
  } catch (error) {
    // The job may have been ended by another hand just before. Then that end is the answer; else this error is.
    const state = await endedState<Job>(rooms, reporter.id, error);
    if (state !== undefined) return state;
    throw error;
  } finally {
    await reporter.abandon();
  }
}

async function endOf<Job extends JobTypes>(
  reporter: OpenReporter<Job>,
  work: Work<Job>,
  rooms: RunRooms,
): Promise<JobState<Job>> {
  const { signal } = reporter;
  try {
    // It was cancelled before it began.
    signal.throwIfAborted();
    const result = await work(reporter);
    return await reporter.complete((result ?? null) as Job["result"]);
  } catch (error) {
    // A result that can't be stored comes here too: no job is left without an end.
    if (!signal.aborted) return await reporter.fail(error);
    const reason: unknown = signal.reason;
    if (!isProgressError(reason, "job-cancelled")) throw reason;
    if (!isAbort(error, reason)) rooms.settings.onError(afterCancel(reporter.id, error));
    return await reporter.cancelled();
  }
}

/** What stopping looks like: the reason itself, as `throwIfAborted` and `fetch` throw it, or the platform's own AbortError. */
function isAbort(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.name === "AbortError");
}

function afterCancel(jobId: string, cause: unknown): ProgressError {
  return new ProgressError("job-failed", {
    message: `The work of the job "${jobId}" threw after it was asked to stop; the job is cancelled.`,
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
  { store, settings }: RunRooms,
  jobId: string,
  error: unknown,
): Promise<JobState<Job> | undefined> {
  if (!isProgressError(error) || !ENDED_ELSEWHERE.has(error.code)) return undefined;
  const delta = await store.read(jobId);
  if (delta === undefined || !isTerminal(delta.set.status)) return undefined;
  return stateIn<Job>(jobId, delta, settings.clock());
}
