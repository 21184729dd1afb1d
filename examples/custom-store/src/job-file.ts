import type { WatchTarget } from "@emlinh/progress-server";
import { loadItems, saveItems } from "./json-file.js";
import type { StoredJob } from "./stored-job.js";
import { createTurns } from "./turns.js";

/** The jobs by id, in the order of their creation. */
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

/** @param wake - Called for each changed job and list after a commit. */
export function openJobFile(
  path: string,
  wake: (target: WatchTarget, version?: number) => void,
): JobFile {
  const { inTurn, idle } = createTurns();
  /** The content of the file; `undefined` until the first method. */
  let jobs: Jobs | undefined;

  return {
    inTurn: (method) =>
      inTurn(async () => {
        jobs ??= new Map((await loadItems<StoredJob>(path)).map((job) => [job.id, job]));
        return method(jobs);
      }),

    /**
     * Saves first, then replaces, then wakes: no reader gets data that a crash would lose, and a woken reader finds
     * them.
     */
    async commit(next, changed) {
      const before = jobs;
      await saveItems(path, next.values());
      jobs = next;
      for (const id of changed) {
        const [old, current] = [before?.get(id), next.get(id)];
        // No version for a job that is new or removed: the reader of an earlier job with this id may have that version.
        wake({ jobId: id }, old && current?.version);
        if (old !== undefined && current !== undefined) continue;
        // The job has joined or left the lists of its subjects.
        for (const subject of (old ?? current)?.subjects ?? []) wake({ subject });
      }
    },

    idle,
  };
}
