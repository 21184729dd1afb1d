import type { Unwatch, Wake } from "../core/store.js";

/** Who wants to be woken for which job, in this process. */
export interface Watchers {
  add(jobId: string, wake: Wake): Unwatch;
  /** Calls the wakes of a job, at once. */
  wake(jobId: string): void;
  clear(): void;
}

/** An empty list of watchers. A job without any costs nothing. */
export function watchers(): Watchers {
  const byJob = new Map<string, Set<{ readonly wake: Wake }>>();
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
    wake(jobId) {
      const entries = byJob.get(jobId);
      if (entries === undefined) return;
      // A copy, since a wake may watch and unwatch; one that an earlier wake ended is passed over.
      for (const entry of [...entries]) if (entries.has(entry)) callSafely(entry.wake);
    },
    clear() {
      for (const entries of byJob.values()) entries.clear();
      byJob.clear();
    },
  };
}

function callSafely(wake: Wake): void {
  try {
    wake();
  } catch {
    // The change is written and must not look refused to its writer. Nothing is lost by it: a wake is a hint, and readers look again by themselves.
  }
}
