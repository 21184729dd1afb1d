import type { Delta } from "@emlinh/progress-protocol";
import type { Unwatch, Wake } from "../../core/store.js";

/** The watches of this process, by job. */
export interface Watchers {
  add(jobId: string, wake: Wake): Unwatch;
  /** Calls the wakes of a job, synchronously. */
  wake(jobId: string, version?: number, delta?: Delta): void;
  /** Calls every wake, without a version, because changes may have been missed. */
  wakeAll(): void;
  /** The number of jobs that have a watcher. */
  readonly size: number;
  clear(): void;
}

/** Makes an empty list of watches. A job without a watcher takes no memory. */
export function watchers(): Watchers {
  const byJob = new Map<string, Set<{ readonly wake: Wake }>>();

  function wake(jobId: string, version?: number, delta?: Delta): void {
    const entries = byJob.get(jobId);
    if (entries === undefined) return;
    // A wake may end watches, which are skipped then, and add some, which are woken once more than needed.
    for (const entry of entries) callSafely(entry.wake, version, delta);
  }

  return {
    add(jobId, wake) {
      // One entry per watch: the same function may watch twice, and each watch ends separately.
      const entry = { wake };
      const entries = byJob.get(jobId) ?? new Set();
      byJob.set(jobId, entries.add(entry));
      return async () => {
        if (entries.delete(entry) && entries.size === 0 && byJob.get(jobId) === entries)
          byJob.delete(jobId);
      };
    },
    wake,
    wakeAll() {
      for (const jobId of [...byJob.keys()]) wake(jobId);
    },
    get size() {
      return byJob.size;
    },
    clear() {
      for (const entries of byJob.values()) entries.clear();
      byJob.clear();
    },
  };
}

function callSafely(wake: Wake, version?: number, delta?: Delta): void {
  try {
    wake(version, delta);
  } catch {
    // The change is stored, so its writer must not see an error. A wake is only a hint, and its reader reads again
    // later.
  }
}
