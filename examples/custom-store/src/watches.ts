import type { Unwatch, Wake, WatchTarget } from "@emlinh/progress-server";

/** The watches of a store, by job or subject. */
export interface Watches {
  add(target: WatchTarget, wake: Wake): Unwatch;
  wake(target: WatchTarget, version?: number): void;
  clear(): void;
}

export function createWatches(): Watches {
  const byTarget = new Map<string, Set<{ readonly wake: Wake }>>();
  return {
    add(target, wake) {
      const name = nameOf(target);
      // One object per watch: the same function may watch twice, and each watch ends separately.
      const watch = { wake };
      const all = byTarget.get(name) ?? new Set();
      byTarget.set(name, all.add(watch));
      return async () => {
        all.delete(watch);
        if (all.size === 0 && byTarget.get(name) === all) byTarget.delete(name);
      };
    },
    wake(target, version) {
      for (const { wake } of [...(byTarget.get(nameOf(target)) ?? [])]) callSafely(wake, version);
    },
    clear: () => byTarget.clear(),
  };
}

/** A job and a subject may have the same text. */
function nameOf(target: WatchTarget): string {
  return "jobId" in target ? `job ${target.jobId}` : `list ${target.subject}`;
}

function callSafely(wake: Wake, version?: number): void {
  try {
    wake(version);
  } catch {
    // The change is stored, so its writer must not see an error. The reader reads again later.
  }
}
