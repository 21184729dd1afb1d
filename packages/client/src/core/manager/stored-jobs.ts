import { parseJson } from "../../transports/json.js";
import { isJobId } from "../job-id.js";

/** The part of `localStorage` and `sessionStorage` that is used. */
export type JobStorage = Pick<Storage, "getItem" | "setItem">;

/**
 * The ids of a manager's jobs, kept across reloads of the page. Other managers and tabs may use the same storage: each
 * operation reads what is stored and changes one job only.
 */
export interface StoredJobs {
  /** The ids in the order in which they were added; none if the storage fails or holds something else. */
  ids(): readonly string[];
  /** Adds a job as a running one, unless it is stored. Of more than 50 jobs ended ones go first, then the oldest. */
  add(jobId: string): void;
  /** Marks a job as ended, if it is stored. */
  end(jobId: string): void;
  remove(jobId: string): void;
}

interface StoredJob {
  readonly id: string;
  readonly ended?: boolean;
}

const MAX_STORED = 50;

/** @param storage - `false` keeps nothing. */
export function storedJobs(storage: JobStorage | false, key: string): StoredJobs {
  function read(): readonly StoredJob[] {
    return storage ? jobsOf(storage.getItem(key)) : [];
  }

  function update(change: (jobs: readonly StoredJob[]) => readonly StoredJob[]): void {
    try {
      const jobs = read();
      const next = change(jobs);
      if (storage && next !== jobs) storage.setItem(key, JSON.stringify(next));
    } catch {
      // A full or forbidden storage costs the jobs after a reload, and nothing now.
    }
  }

  return {
    ids() {
      try {
        return read().map(({ id }) => id);
      } catch {
        // A forbidden storage costs the jobs of the earlier page, and nothing else.
        return [];
      }
    },
    add: (id) =>
      update((jobs) => (jobs.some((job) => job.id === id) ? jobs : bounded([...jobs, { id }]))),
    end: (id) => update((jobs) => jobs.map((job) => (job.id === id ? { id, ended: true } : job))),
    remove: (id) => update((jobs) => jobs.filter((job) => job.id !== id)),
  };
}

/** The storage of the browser's page; `false` where there is none. */
export function pageStorage(): JobStorage | false {
  try {
    return typeof document === "undefined" ? false : sessionStorage;
  } catch {
    // In a sandboxed page, reading the property throws.
    return false;
  }
}

/** The jobs in a stored text. Anything else in it is left out. */
function jobsOf(text: string | null): readonly StoredJob[] {
  const stored = parseJson(text ?? "");
  return Array.isArray(stored) ? stored.filter((job) => isJobId(job?.id)) : [];
}

function bounded(jobs: readonly StoredJob[]): readonly StoredJob[] {
  const byAge = [...jobs.filter(({ ended }) => ended), ...jobs.filter(({ ended }) => !ended)];
  const kept = new Set(byAge.slice(-MAX_STORED));
  return jobs.filter((job) => kept.has(job));
}
