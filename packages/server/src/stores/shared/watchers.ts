import type { Unwatch, Wake } from "../../core/store.js";

/** Who wants to be woken for which job, in this process. */
export interface Watchers {
  add(jobId: string, wake: Wake): Unwatch;
  /** Calls the wakes of a job, at once. */
  wake(jobId: string, version?: number): void;
  /** Calls them all: what happened meanwhile isn't known. */
  wakeAll(): void;
  /** How many jobs have a watcher. */
  readonly size: number;
  clear(): void;
}

/** An empty list of watchers. A job without any costs nothing. */
export function watchers(): Watchers {
  const byJob = new Map<string, Set<{ readonly wake: Wake }>>();

  function wake(jobId: string, version?: number): void {
    const entries = byJob.get(jobId);
    if (entries === undefined) return;
    // A copy, since a wake may watch and unwatch; one that an earlier wake ended is passed over.
    for (const entry of [...entries]) if (entries.has(entry)) callSafely(entry.wake, version);
  }

  return {
    add(jobId, wake) {
      // An entry of its own: the same function may be watching twice, and each watch ends by itself.
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

function callSafely(wake: Wake, version: number | undefined): void {
  try {
    wake(version);
  } catch {
    // The change is written and must not look refused to its writer. Nothing is lost by it: a wake is a hint, and readers look again by themselves.
  }
}
