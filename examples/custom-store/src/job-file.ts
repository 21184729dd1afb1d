import { loadJobs, saveJobs } from "./json-file.js";
import type { StoredJob } from "./stored-job.js";

export type Jobs = ReadonlyMap<string, StoredJob>;

/** The jobs of one file. Methods run one after the other, which makes each of them atomic. */
export interface JobFile {
  /** Runs a method after those that were called before it. */
  inTurn<Result>(method: (jobs: Jobs) => Promise<Result>): Promise<Result>;
  /** Replaces the jobs. To be called within `inTurn`. */
  commit(next: Jobs, changed: readonly string[]): Promise<void>;
  /** Resolves when all methods have run. */
  idle(): Promise<void>;
}

/** @param wake - Called for each changed job after a commit. */
export function openJobFile(
  path: string,
  wake: (jobId: string, version: number | undefined) => void,
): JobFile {
  /** The content of the file; `undefined` until the first method. */
  let jobs: Jobs | undefined;
  /** Resolves when the last method has run. */
  let turn: Promise<unknown> = Promise.resolve();

  return {
    inTurn(method) {
      const result = turn.then(async () => {
        jobs ??= await loadJobs(path);
        return method(jobs);
      });
      // The caller gets the error. The next method runs anyway.
      turn = result.catch(() => {});
      return result;
    },

    /**
     * Saves first, then replaces, then wakes: no reader gets data that a crash would lose, and a woken reader finds
     * them.
     */
    async commit(next, changed) {
      const before = jobs;
      await saveJobs(path, next.values());
      jobs = next;
      for (const id of changed) {
        // No version for a job that is new or removed: the reader of an earlier job with this id may have that version.
        wake(id, before?.has(id) ? next.get(id)?.version : undefined);
      }
    },

    async idle() {
      await turn;
    },
  };
}
