import type { JobPage, PageRequest } from "../../../core/store.js";
import { newEpoch } from "../../../shared/ids.js";
import { ENTRY_GRACE_MS, existingJobs, MICROSECONDS } from "./existing-jobs.js";
import { type ListCallsOptions, listCalls } from "./list-calls.js";
import type { Place, PlacedJob } from "./list-entry.js";
import { readPage } from "./read-page.js";

/** A job that is in its lists already, and is to be created. */
export interface EnlistedJob extends PlacedJob {
  /** Until when the job may be created, in milliseconds since the epoch. `Infinity` if it has no places. */
  readonly createBefore: number;
  /** Removes entries of jobs that do not exist from the same lists, if some are found. Never rejects. */
  tidy(): Promise<unknown>;
}

/**
 * The lists of one store. The entries of a job are added before it is created, so that every job is listed, and are
 * removed after it. An entry may be left over, so reads skip those whose job does not exist.
 */
export interface RedisLists {
  /** Adds an entry to each subject's list, for a new epoch of a job. */
  enlist(subjects: readonly string[], jobId: string): Promise<EnlistedJob>;
  /** Wakes the watchers of its lists after a job was created. Never rejects, because a wake is only a hint. */
  announce(job: PlacedJob): Promise<unknown>;
  /** Removes the entries of a job that was not created. Never rejects, because they are not listed. */
  discard(job: PlacedJob): Promise<unknown>;
  /** Keeps the entries of a job for some milliseconds, and adds those again that were lost. */
  keep(job: PlacedJob, keepMs: number): Promise<unknown>;
  /** Removes the entries of a job that was removed, and wakes the watchers of its lists. */
  remove(job: PlacedJob): Promise<unknown>;
  page(subject: string, page: PageRequest): Promise<JobPage>;
}

/** Makes the lists of one store. */
export function redisLists(options: ListCallsOptions): RedisLists {
  const calls = listCalls(options);
  return {
    async enlist(subjects, jobId) {
      const job = { jobId, epoch: newEpoch() };
      const added = await Promise.all(subjects.map((subject) => calls.add(subject, job)));
      return {
        ...job,
        places: added.map(({ subject, position }) => ({ subject, position })),
        createBefore: createBefore(added),
        tidy: () => Promise.allSettled(added.map(({ sample }) => existingJobs(calls, sample))),
      };
    },

    announce: ({ places }) =>
      Promise.allSettled(places.map(({ subject }) => calls.announce(subject))),

    discard: (job) =>
      Promise.allSettled(
        job.places.map(({ subject }) => calls.remove(subject, [job], { wakes: false })),
      ),

    keep: (job, keepMs) => Promise.all(job.places.map((place) => calls.keep(place, job, keepMs))),

    remove: (job) =>
      Promise.all(job.places.map(({ subject }) => calls.remove(subject, [job], { wakes: true }))),

    page: (subject, page) => readPage(calls, subject, page),
  };
}

function createBefore(places: readonly Place[]): number {
  const addedAt = Math.min(...places.map(({ position }) => position));
  return addedAt / MICROSECONDS + ENTRY_GRACE_MS / 2;
}
