import {
  type AnyJob,
  type Change,
  type Cursor,
  checkChange,
  type Delta,
  type Fields,
  isProgressError,
  type JobError,
  type JobState,
  type JobTypes,
  type Json,
  ProgressError,
  stateOf,
  type TerminalStatus,
} from "@emlinh/progress-protocol";
import { jobFinished, jobNotFound } from "../shared/errors.js";
import { cutText } from "../shared/limits.js";
import { type CreatedJob, type CreateJob, draftOf } from "./draft.js";
import type { GuardedStore } from "./guarded-store.js";
import { fieldsOfUpdate, type JobUpdate } from "./job-update.js";

/** A job's whole state, and the cursor to go on from. */
export type JobStatusReport<Job extends JobTypes = AnyJob> = JobState<Job> & {
  readonly cursor: Cursor;
};

/** Options of `end`. */
export interface EndOptions {
  /** For people; cut at 4096 characters. */
  readonly message?: string | undefined;
  readonly error?: JobError | undefined;
}

/** The statuses that a supervisor may end a job with. `completed` needs the result, which only the worker has. */
export type EndStatus = Exclude<TerminalStatus, "completed">;

/**
 * Operations on jobs by code that does not work on them. Each throws `job-not-found`, `job-expired` and
 * `store-unavailable`.
 */
export interface Jobs {
  create<Job extends JobTypes = AnyJob>(input: CreateJob<Job>): Promise<CreatedJob<Job>>;
  read(jobId: string): Promise<JobStatusReport>;
  readAfter(jobId: string, cursor: Cursor | undefined): Promise<Delta>;
  /** @throws ProgressError `job-finished`, `invalid-change`, `too-large` */
  update(jobId: string, update: JobUpdate): Promise<void>;
  cancel(jobId: string): Promise<JobStatusReport>;
  /** @throws ProgressError `job-finished`, `invalid-change`, `too-large` */
  end(jobId: string, status: EndStatus, options?: EndOptions): Promise<JobStatusReport>;
  /** Removes an ended job. @throws ProgressError `job-not-finished` */
  removeKnown(jobId: string): Promise<boolean>;
}

interface JobsContext {
  readonly store: GuardedStore;
  readonly clock: () => number;
}

/** The state in a snapshot. */
export function stateIn<Job extends JobTypes = AnyJob>(
  jobId: string,
  { set, cursor }: Delta,
  now: number,
): JobStatusReport<Job> {
  return { ...stateOf<Job>(jobId, set, now), cursor };
}

/** Creates, reads, updates, cancels, ends and removes jobs of a store. */
export function createJobs(store: GuardedStore, clock: () => number): Jobs {
  const context: JobsContext = { store, clock };
  return {
    async create(input) {
      const { draft, definition } = await draftOf(input);
      const { jobId, cursor, created } = await store.create(draft);
      return { id: jobId, cursor, created, definition };
    },
    read: (jobId) => readState(context, jobId),
    readAfter: (jobId, cursor) => readDelta(store, jobId, cursor),
    update: (jobId, update) => updateJob(context, jobId, update),
    cancel: (jobId) => cancelJob(context, jobId),
    end: (jobId, status, options) => endJob(context, jobId, { status, ...options }),
    async removeKnown(jobId) {
      const { done } = await readDelta(store, jobId, undefined);
      if (!done) throw jobNotFinished(jobId);
      // An end is final, so the job can't have begun to run again in the meantime.
      return store.remove(jobId);
    },
  };
}

async function readDelta(
  store: GuardedStore,
  jobId: string,
  cursor: Cursor | undefined,
): Promise<Delta> {
  const delta = await store.read(jobId, cursor);
  if (delta === undefined) throw jobNotFound(jobId);
  return delta;
}

async function readState({ store, clock }: JobsContext, jobId: string): Promise<JobStatusReport> {
  return stateIn(jobId, await readDelta(store, jobId, undefined), clock());
}

async function updateJob({ store }: JobsContext, jobId: string, update: JobUpdate): Promise<void> {
  const { set: before, done } = await readDelta(store, jobId, undefined);
  if (done) throw jobFinished(jobId, String(before.status));
  const set = fieldsOfUpdate(update, before);
  if (Object.keys(set).length > 0) await write(store, jobId, set);
}

async function cancelJob(context: JobsContext, jobId: string): Promise<JobStatusReport> {
  const { set: before, ...delta } = await readDelta(context.store, jobId, undefined);
  if (!delta.done && before.cancelRequested !== true) {
    const end = { status: "cancelled", finishedAt: context.clock() };
    const set = { cancelRequested: true, ...(before.status === "queued" && end) };
    try {
      await context.store.write(jobId, { set, log: [] });
    } catch (error) {
      // The job ended in the meantime. Nothing is left to cancel, and the answer is that end (P27).
      if (!isProgressError(error, "job-finished")) throw error;
    }
  }
  return readState(context, jobId);
}

async function endJob(
  context: JobsContext,
  jobId: string,
  { status, message, error }: EndOptions & { readonly status: EndStatus },
): Promise<JobStatusReport> {
  if (!END_STATUSES.has(status)) throw invalidEndStatus(status);
  await write(context.store, jobId, endFields(status, { message, error }, context.clock()));
  return readState(context, jobId);
}

/** The fields that end a job. The store closes the steps that are still running (P47). */
export function endFields(
  status: EndStatus,
  { message, error }: EndOptions,
  finishedAt: number,
): Fields {
  return {
    status,
    finishedAt,
    ...(message !== undefined && { message: cutText(message) }),
    ...(error !== undefined && { error: { ...error, message: cutText(error.message) } as Json }),
  };
}

async function write(store: GuardedStore, jobId: string, set: Fields): Promise<void> {
  const change: Change = { set, log: [] };
  checkChange(change);
  await store.write(jobId, change);
}

const END_STATUSES: ReadonlySet<string> = new Set<EndStatus>([
  "failed",
  "cancelled",
  "lost",
  "timed-out",
]);

/** The error for a status that `end` does not take. */
function invalidEndStatus(status: unknown): ProgressError {
  return new ProgressError("invalid-option", {
    message: `end: status is ${JSON.stringify(status)}; it must be "failed", "cancelled", "lost" or "timed-out".`,
    details: { name: "status" },
  });
}

function jobNotFinished(jobId: string): ProgressError {
  return new ProgressError("job-not-finished", {
    message: `The job "${jobId}" has not ended, so it can't be removed. Cancel or end it first.`,
    status: 409,
    details: { jobId },
  });
}
