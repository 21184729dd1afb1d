import type { JobPage, PageRequest } from "../../core/store.js";
import { newEpoch } from "../../shared/ids.js";
import { type JobOrder, jobOrder } from "./job-order.js";
import type { StoredJob } from "./stored-job.js";

/** The jobs of each subject. A subject without jobs takes no memory. */
export interface JobLists {
  /** Puts a job, the newest of all, into the lists of its subjects. */
  add(job: StoredJob): void;
  remove(job: StoredJob): void;
  page(subject: string, page: PageRequest): JobPage;
  clear(): void;
}

/** Makes lists without jobs. A job's place is its number: the clock may be set back between two creations. */
export function jobLists(): JobLists {
  const lists = new Map<string, JobOrder<StoredJob>>();
  /** Begins each `next`, so that one of another store, or from before a restart, is not taken for a place here. */
  const mark = newEpoch();

  function placeOf(before: string | undefined): number {
    if (before === undefined) return Number.POSITIVE_INFINITY;
    const [of, number] = before.split(".");
    return of === mark ? Number(number) : 0;
  }

  return {
    add(job) {
      for (const subject of job.subjects) {
        const list = lists.get(subject) ?? jobOrder();
        list.add(job);
        lists.set(subject, list);
      }
    },
    remove(job) {
      for (const subject of job.subjects) {
        const list = lists.get(subject);
        list?.remove(job);
        if (list?.size === 0) lists.delete(subject);
      }
    },
    page(subject, { limit, before }) {
      const found = lists.get(subject)?.below(placeOf(before), limit + 1) ?? [];
      const jobs = found.slice(0, limit);
      const last = jobs.at(-1);
      const hasMore = last !== undefined && found.length > limit;
      return {
        jobs: jobs.map(({ id }) => id),
        next: hasMore ? `${mark}.${last.number}` : undefined,
      };
    },
    clear() {
      lists.clear();
    },
  };
}
