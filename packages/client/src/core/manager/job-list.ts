import { isTerminal, type JobTypes } from "@emlinh/progress-protocol";
import { checkJobId } from "../job-id.js";
import type { JobWatch } from "../job-watch.js";
import { addAndTell, listenerSet } from "../listeners.js";
import type { ResolvedWatchOptions } from "../options.js";
import { jobWatch } from "../watch.js";
import type { SharedFeed } from "./shared-feed.js";
import type { StoredJobs } from "./stored-jobs.js";

/** The watches of a manager, at most one per job. */
export interface JobList<Job extends JobTypes> {
  /** In the order in which they were added; the same array until the list changes. */
  all(): readonly JobWatch<Job>[];
  /**
   * Returns the watch of a job. Adds it if it is not in the list, and replaces one that closed before the job's end.
   *
   * @param expectedUntil - Until then the server may not know the job yet.
   */
  watch(jobId: string, expectedUntil?: number): JobWatch<Job>;
  /** Adds the stored jobs, and replaces the watches that closed before the end of their job. Returns all watches. */
  restore(): readonly JobWatch<Job>[];
  /** Stops a watch and removes it, and removes the job from the storage. */
  remove(jobId: string): void;
  /** Stops every watch. The list and the storage stay. */
  stop(): void;
  /** Calls a listener at once, and after each change of the list. @returns a function that removes the listener. */
  subscribe(listener: (watches: readonly JobWatch<Job>[]) => void): () => void;
}

/** The surroundings of a list. */
export interface JobListContext {
  /** Connects the watches. */
  readonly feed: SharedFeed;
  readonly stored: StoredJobs;
}

/** Makes an empty list. @param options - The options of each watch. */
export function jobList<Job extends JobTypes>(
  options: ResolvedWatchOptions,
  { feed, stored }: JobListContext,
): JobList<Job> {
  const listeners = listenerSet<{ change: readonly JobWatch<Job>[] }>(options.onError);
  let watches: readonly JobWatch<Job>[] = [];

  const find = (jobId: string) => watches.find((watch) => watch.jobId === jobId);

  function change(next: readonly JobWatch<Job>[]): void {
    watches = next;
    listeners.emit("change", watches);
  }

  /** Puts a new watch into the list unless there is one that works. */
  function open(jobId: string, expectedUntil = 0): JobWatch<Job> {
    const known = find(jobId);
    if (known && !isDead(known)) return known;
    const onConnection = (): void => storeEnd(opened, stored);
    const opened = jobWatch<Job>(jobId, options, {
      connect: (context) => feed.connect({ ...context, expectedUntil }),
      onConnection,
    });
    change(known ? watches.map((it) => (it === known ? opened : it)) : [...watches, opened]);
    return opened;
  }

  return {
    all: () => watches,
    watch(jobId, expectedUntil) {
      const known = find(jobId);
      const watch = open(jobId, expectedUntil);
      if (watch !== known) stored.add(jobId);
      return watch;
    },
    restore() {
      for (const jobId of [...stored.ids(), ...watches.map(({ jobId }) => jobId)]) open(jobId);
      return watches;
    },
    remove(jobId) {
      checkJobId(jobId);
      stored.remove(jobId);
      const removed = find(jobId);
      if (!removed) return;
      change(watches.filter((watch) => watch !== removed));
      removed.stop();
    },
    stop() {
      for (const watch of watches) watch.stop();
    },
    subscribe: (listener) => addAndTell(listeners, () => listener(watches), options.onError),
  };
}

type AnyWatch = Pick<JobWatch<JobTypes>, "jobId" | "getSnapshot">;

/** Stores that a job has ended, or that the server does not have it. */
function storeEnd(watch: AnyWatch, stored: StoredJobs): void {
  if (hasEnded(watch)) stored.end(watch.jobId);
  else if (isGone(watch)) stored.remove(watch.jobId);
}

function hasEnded(watch: AnyWatch): boolean {
  return isTerminal(watch.getSnapshot().job?.status);
}

/** Whether a watch closed for another reason than the job's end. */
function isDead(watch: AnyWatch): boolean {
  return watch.getSnapshot().connection.status === "closed" && !hasEnded(watch);
}

/** Whether a watch closed because the server does not have the job, or no longer has it. */
function isGone(watch: AnyWatch): boolean {
  const { code } = watch.getSnapshot().connection.error ?? {};
  return isDead(watch) && (code === "job-not-found" || code === "job-expired");
}
