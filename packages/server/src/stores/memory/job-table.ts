import { idTaken, storeFull } from "../../shared/errors.js";
import { dueAt } from "../../shared/lifecycle.js";
import { dueQueue } from "./due-queue.js";
import { type JobLists, jobLists } from "./job-lists.js";
import type { MemoryStoreSettings } from "./options.js";
import type { StoredJob } from "./stored-job.js";

/** The jobs by id, by key, by subject and by the time of their next transition, and the ids of removed jobs. */
export interface JobTable extends Pick<JobLists, "page"> {
  find(jobId: string): StoredJob | undefined;
  findByKey(key: string | undefined): StoredJob | undefined;
  /** Whether a job with this id was removed and is remembered. */
  isRemoved(jobId: string): boolean;
  /** @throws ProgressError `invalid-change` if the id is taken; `store-full` if no job can be removed to make room. */
  checkRoomFor(jobId: string): void;
  /** The number of the next job. */
  nextNumber(): number;
  add(job: StoredJob): void;
  /**
   * To be called after each change of a job's times: files it by its next transition, and among the ended jobs if it
   * has ended.
   */
  update(job: StoredJob): void;
  /** The job whose transition has been due for the longest time; `undefined` if none is due at `now`. */
  due(now: number): StoredJob | undefined;
  /** The job that ended first, if there are more than `maxJobs`. */
  excess(): StoredJob | undefined;
  /** Removes a job and remembers its id. */
  remove(job: StoredJob): void;
  clear(): void;
}

/** Makes an empty table. */
export function jobTable(settings: MemoryStoreSettings): JobTable {
  const { maxJobs, maxTombstones } = settings;
  const jobs = new Map<string, StoredJob>();
  const idsByKey = new Map<string, string>();
  const lists = jobLists();
  const byTransition = dueQueue<StoredJob>();
  /** In the order of their end. */
  const ended = new Set<StoredJob>();
  /** Ids of removed jobs, the oldest first. */
  const tombstones = new Set<string>();
  let lastNumber = 0;

  function update(job: StoredJob): void {
    byTransition.set(job, dueAt(job.times, settings));
    if (job.data.done) ended.add(job);
  }

  return {
    find: (jobId) => jobs.get(jobId),
    findByKey: (key) => (key === undefined ? undefined : jobs.get(idsByKey.get(key) ?? "")),
    isRemoved: (jobId) => tombstones.has(jobId),
    due: (now) => byTransition.due(now),
    page: (subject, page) => lists.page(subject, page),
    update,
    checkRoomFor(jobId) {
      if (jobs.has(jobId)) throw idTaken(jobId);
      if (jobs.size >= maxJobs && ended.size === 0) throw storeFull(maxJobs);
    },
    nextNumber() {
      lastNumber += 1;
      return lastNumber;
    },
    add(job) {
      jobs.set(job.id, job);
      if (job.key !== undefined) idsByKey.set(job.key, job.id);
      lists.add(job);
      tombstones.delete(job.id);
      update(job);
    },
    excess() {
      const [first] = ended;
      return jobs.size > maxJobs ? first : undefined;
    },
    remove(job) {
      jobs.delete(job.id);
      if (job.key !== undefined) idsByKey.delete(job.key);
      lists.remove(job);
      byTransition.delete(job);
      ended.delete(job);
      tombstones.add(job.id);
      dropOldest(tombstones, maxTombstones);
    },
    clear() {
      for (const kept of [jobs, idsByKey, lists, byTransition, ended, tombstones]) kept.clear();
    },
  };
}

function dropOldest(ids: Set<string>, max: number): void {
  for (const oldest of ids) {
    if (ids.size <= max) return;
    ids.delete(oldest);
  }
}
