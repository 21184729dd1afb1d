import type { Unwatch, Wake } from "@emlinh/progress-server";

/** The watches of a store, by job. */
export interface Watches {
  add(jobId: string, wake: Wake): Unwatch;
  wake(jobId: string, version: number | undefined): void;
  clear(): void;
}

export function createWatches(): Watches {
  const byJob = new Map<string, Set<{ readonly wake: Wake }>>();
  return {
    add(jobId, wake) {
      // One object per watch: the same function may watch twice, and each watch ends separately.
      const watch = { wake };
      const all = byJob.get(jobId) ?? new Set();
      byJob.set(jobId, all.add(watch));
      return async () => {
        all.delete(watch);
        if (all.size === 0 && byJob.get(jobId) === all) byJob.delete(jobId);
      };
    },
    wake(jobId, version) {
      for (const { wake } of [...(byJob.get(jobId) ?? [])]) callSafely(wake, version);
    },
    clear: () => byJob.clear(),
  };
}

function callSafely(wake: Wake, version: number | undefined): void {
  try {
    wake(version);
  } catch {
    // The change is stored, so its writer must not see an error. The reader reads again later.
  }
}
