import type { Replica } from "@emlinh/progress-protocol";
import { idTaken, jobExpired, jobNotFound, storeFull } from "../../shared/errors.js";
import type { JobTimes } from "../../shared/lifecycle.js";

/** A job in memory. */
export interface StoredJob {
  readonly id: string;
  readonly key: string | undefined;
  /** The job's data: here not a copy, but the original. */
  readonly data: Replica;
  times: JobTimes;
}

/** The bounds of a {@link JobTable}. */
export interface JobTableLimits {
  readonly maxJobs: number;
  readonly maxTombstones: number;
}

/** The kept jobs by id and by key, and the ids of removed ones. */
export interface JobTable {
  /** @throws ProgressError `job-not-found`, `job-expired` */
  get(jobId: string): StoredJob;
  find(jobId: string): StoredJob | undefined;
  findByKey(key: string | undefined): StoredJob | undefined;
  /** Whether the id is that of a job that was removed. */
  isRemoved(jobId: string): boolean;
  /** @throws ProgressError `invalid-change` if the id is taken; `store-full` if no job could make room. */
  checkRoomFor(jobId: string): void;
  add(job: StoredJob): void;
  /** Notes that a job has ended: it may make room for others. */
  markEnded(job: StoredJob): void;
  /** The job that ended first, if the table is over its bound. */
  excess(): StoredJob | undefined;
  /** Removes a job and remembers its id. */
  remove(job: StoredJob): void;
  clear(): void;
}

/** Makes an empty table. */
export function jobTable({ maxJobs, maxTombstones }: JobTableLimits): JobTable {
  const jobs = new Map<string, StoredJob>();
  const idsByKey = new Map<string, string>();
  /** In the order of their end. */
  const ended = new Set<StoredJob>();
  /** Ids of removed jobs, the oldest first. */
  const tombstones = new Set<string>();

  function bury(jobId: string): void {
    tombstones.add(jobId);
    for (const oldest of tombstones) {
      if (tombstones.size <= maxTombstones) break;
      tombstones.delete(oldest);
    }
  }

  return {
    find: (jobId) => jobs.get(jobId),
    findByKey: (key) => (key === undefined ? undefined : jobs.get(idsByKey.get(key) ?? "")),
    isRemoved: (jobId) => tombstones.has(jobId),
    get(jobId) {
      const job = jobs.get(jobId);
      if (job !== undefined) return job;
      throw tombstones.has(jobId) ? jobExpired(jobId) : jobNotFound(jobId);
    },
    checkRoomFor(jobId) {
      if (jobs.has(jobId)) throw idTaken(jobId);
      if (jobs.size >= maxJobs && ended.size === 0) throw storeFull(maxJobs);
    },
    add(job) {
      jobs.set(job.id, job);
      if (job.key !== undefined) idsByKey.set(job.key, job.id);
      tombstones.delete(job.id);
    },
    markEnded(job) {
      ended.add(job);
    },
    excess() {
      const [first] = ended;
      return jobs.size > maxJobs ? first : undefined;
    },
    remove(job) {
      jobs.delete(job.id);
      if (job.key !== undefined) idsByKey.delete(job.key);
      ended.delete(job);
      bury(job.id);
    },
    clear() {
      for (const kept of [jobs, idsByKey, ended, tombstones]) kept.clear();
    },
  };
}
