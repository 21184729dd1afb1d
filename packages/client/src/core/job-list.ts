import type { JobTypes } from "@emlinh/progress-protocol";
import type { ConnectionState } from "./connection-state.js";
import type { JobWatch } from "./job-watch.js";
import { listenerSet } from "./listeners.js";
import type { ResolvedWatchOptions } from "./options.js";
import type { StoredIds } from "./stored-ids.js";
import { streamLimiter } from "./stream-limiter.js";
import { jobWatch } from "./watch.js";

/** The watches of a manager, at most one per job. */
export interface JobList<Job extends JobTypes> {
  /** In the order in which they were added; the same array until the list changes. */
  all(): readonly JobWatch<Job>[];
  /** Returns the watch of a job, and adds it if it is not in the list. */
  watch(jobId: string): JobWatch<Job>;
  /** Adds the jobs that an earlier page stored. Returns all watches. */
  restore(): readonly JobWatch<Job>[];
  /** Stops a watch and removes it. */
  remove(jobId: string): void;
  /** Stops every watch. The list and the storage stay. */
  stop(): void;
  /** Calls a listener after each change of the list. @returns a function that removes the listener. */
  subscribe(listener: () => void): () => void;
}

/** The parts of a list. */
export interface JobListOptions {
  readonly options: ResolvedWatchOptions;
  readonly maxStreams: number;
  readonly stored: StoredIds;
}

/** Makes an empty list. */
export function jobList<Job extends JobTypes>({
  options,
  maxStreams,
  stored,
}: JobListOptions): JobList<Job> {
  const limiter = streamLimiter(maxStreams);
  const listeners = listenerSet<{ change: undefined }>(options.onError);
  let watches: readonly JobWatch<Job>[] = [];

  const find = (jobId: string) => watches.find((watch) => watch.jobId === jobId);

  /** Saves the ids of the jobs that the server has, as far as is known. */
  function save(): void {
    const present = watches.filter((watch) => !isGone(watch.getSnapshot().connection));
    stored.save(present.map(({ jobId }) => jobId));
  }

  function change(next: readonly JobWatch<Job>[]): void {
    watches = next;
    save();
    listeners.emit("change", undefined);
  }

  function watch(jobId: string): JobWatch<Job> {
    const known = find(jobId);
    if (known) return known;
    const added = jobWatch<Job>(jobId, options, {
      limiter,
      onConnection(connection) {
        if (isGone(connection)) save();
      },
    });
    change([...watches, added]);
    return added;
  }

  return {
    all: () => watches,
    watch,
    restore() {
      for (const jobId of stored.load()) watch(jobId);
      return watches;
    },
    remove(jobId) {
      const removed = find(jobId);
      if (!removed) return;
      change(watches.filter((watch) => watch !== removed));
      removed.stop();
    },
    stop() {
      for (const watch of watches) watch.stop();
    },
    subscribe: (listener) => listeners.add("change", listener),
  };
}

/** Whether the server answered that it does not have the job, or no longer has it. */
function isGone({ error }: ConnectionState): boolean {
  return error?.code === "job-not-found" || error?.code === "job-expired";
}
