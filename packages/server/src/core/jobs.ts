import {
  type AnyJob,
  type Change,
  type Cursor,
  type Delta,
  isProgressError,
  isTerminal,
  type JobState,
  type JobTypes,
  stateOf,
} from "@emlinh/progress-protocol";
import { jobNotFound } from "../shared/errors.js";
import { type CreatedJob, type CreateJob, draftOf } from "./draft.js";
import type { GuardedStore } from "./guarded-store.js";

/** A job's whole state, and the cursor to go on from. */
export type JobStatusReport<Job extends JobTypes = AnyJob> = JobState<Job> & {
  readonly cursor: Cursor;
};

/** What is done to jobs by those who don't work on them. */
export interface Jobs {
  create<Job extends JobTypes = AnyJob>(input: CreateJob<Job>): Promise<CreatedJob<Job>>;
  /** @throws ProgressError `job-not-found`, `job-expired`, `store-unavailable` */
  read(jobId: string): Promise<JobStatusReport>;
  /** @throws ProgressError `job-not-found`, `job-expired`, `store-unavailable` */
  readAfter(jobId: string, cursor: Cursor | undefined): Promise<Delta>;
  /** @throws ProgressError `job-not-found`, `job-expired`, `store-unavailable` */
  cancel(jobId: string): Promise<JobStatusReport>;
}

/** The state in a snapshot. */
export function stateIn<Job extends JobTypes = AnyJob>(
  jobId: string,
  { set, cursor }: Delta,
  now: number,
): JobStatusReport<Job> {
  return { ...stateOf<Job>(jobId, set, now), cursor };
}

/** Makes, reads and cancels jobs in a store. */
export function createJobs(store: GuardedStore, clock: () => number): Jobs {
  async function snapshot(jobId: string): Promise<Delta> {
    const delta = await store.read(jobId);
    if (delta === undefined) throw jobNotFound(jobId);
    return delta;
  }

  async function read(jobId: string): Promise<JobStatusReport> {
    return stateIn(jobId, await snapshot(jobId), clock());
  }

  async function writeUnlessEnded(jobId: string, change: Change): Promise<void> {
    try {
      await store.write(jobId, change);
    } catch (error) {
      // It ended in the meantime: then there is nothing left to cancel, and what it ended as is the answer (P27).
      if (!isProgressError(error, "job-finished")) throw error;
    }
  }

  return {
    async create(input) {
      const { draft, definition } = await draftOf(input);
      const { jobId, cursor, created } = await store.create(draft);
      return { id: jobId, cursor, created, definition };
    },
    read,
    async readAfter(jobId, cursor) {
      const delta = await store.read(jobId, cursor);
      if (delta === undefined) throw jobNotFound(jobId);
      return delta;
    },
    async cancel(jobId) {
      const state = await read(jobId);
      if (isTerminal(state.status) || state.cancelRequested) return state;
      const asked = { cancelRequested: true };
      const set =
        state.status === "queued" ? { ...asked, status: "cancelled", finishedAt: clock() } : asked;
      await writeUnlessEnded(jobId, { set, log: [] });
      return read(jobId);
    },
  };
}
