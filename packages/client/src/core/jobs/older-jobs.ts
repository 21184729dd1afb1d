import { type JobTypes, MAX_LISTED_JOBS } from "@emlinh/progress-protocol";
import { fetchPage } from "./job-pages.js";
import type { ListConnection } from "./list-connection.js";
import type { ResolvedWatchJobsOptions } from "./watch-jobs-options.js";

/** The pages of a list behind its live part. */
export interface OlderJobs {
  /** Adds the next page. See `JobsWatch.loadMore`. */
  loadMore(): Promise<void>;
  /** Removes the loaded jobs that the server does not have any more. It never rejects. */
  recheck(): Promise<void>;
}

export function olderJobs<Job extends JobTypes>(
  { watchOptions, subject, limit }: ResolvedWatchJobsOptions<Job>,
  connection: ListConnection<Job>,
): OlderJobs {
  const { list, now, changed } = connection;
  let loading: Promise<void> | undefined;

  async function load(before: string): Promise<void> {
    connection.isLoading = true;
    try {
      const page = await fetchPage(watchOptions, { subject, limit, before });
      // If the list was replaced meanwhile, the page may not follow it.
      if (list.window.next === before) list.addPage(page, now());
    } finally {
      connection.isLoading = false;
      loading = undefined;
      changed();
    }
  }

  /**
   * The ids of at least as many jobs as are asked for, if there are as many.
   *
   * @throws if a page leads back to an earlier one, which would be asked for without an end.
   */
  async function idsAfter(start: string | null, count: number): Promise<Set<string>> {
    const ids = new Set<string>();
    const asked = new Set<string>();
    for (let before = start; before !== null && ids.size < count; ) {
      if (asked.has(before)) throw new RangeError(before);
      asked.add(before);
      const { listed } = await fetchPage(watchOptions, { subject, limit: MAX_LISTED_JOBS, before });
      for (const id of listed.jobs) ids.add(id);
      before = listed.next;
    }
    return ids;
  }

  return {
    loadMore() {
      const { next } = list.window;
      if (next !== null) loading ??= load(next);
      return loading ?? Promise.resolve();
    },
    async recheck() {
      const { older } = list.window;
      if (older.length === 0) return;
      try {
        const ids = await idsAfter(list.listed?.next ?? null, older.length);
        const live = new Set(list.window.live);
        list.remove(new Set(older.filter((id) => !ids.has(id) && !live.has(id))));
        changed();
      } catch {
        // The jobs stay until the next check. The connection shows that the server cannot be reached.
      }
    },
  };
}
