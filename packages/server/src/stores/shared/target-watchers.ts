import type { Unwatch, Wake, WatchTarget } from "../../core/store.js";
import { type Watchers, watchers } from "./watchers.js";

/** The watches of this process: those of jobs, by id, and those of lists, by subject. */
export interface TargetWatchers {
  readonly jobs: Watchers;
  readonly lists: Watchers;
  /** The number of jobs and subjects that have a watcher. */
  readonly size: number;
  add(target: WatchTarget, wake: Wake): Unwatch;
  /** Calls every wake, because changes may have been missed. */
  wakeAll(): void;
  clear(): void;
}

/** Makes an empty list of watches. */
export function targetWatchers(): TargetWatchers {
  const jobs = watchers();
  const lists = watchers();
  return {
    jobs,
    lists,
    get size() {
      return jobs.size + lists.size;
    },
    add: (target, wake) =>
      "jobId" in target ? jobs.add(target.jobId, wake) : lists.add(target.subject, wake),
    wakeAll() {
      for (const each of [jobs, lists]) each.wakeAll();
    },
    clear() {
      for (const each of [jobs, lists]) each.clear();
    },
  };
}
