import { type Cursor, type CursorParts, parseCursor } from "@emlinh/progress-protocol";
import type { ChangeNotification } from "./change-notification.js";

/**
 * Knows the newest version of each watched job, so that a change wakes the watchers once, although several sources
 * report it.
 */
export interface VersionTracker {
  /** Tracks a job until the returned function is called. Idempotent. A job may be tracked several times. */
  track(jobId: string): () => void;
  jobIds(): readonly string[];
  /** Wakes the watchers of the job, unless the change is known. */
  onNotification(notification: ChangeNotification): void;
  /**
   * Wakes the watchers of the polled jobs that have changed since they were last seen.
   *
   * @param cursors - The cursors of those of the jobs that exist.
   * @returns whether there was a change that no notification had reported.
   */
  onPoll(jobIds: readonly string[], cursors: ReadonlyMap<string, Cursor>): boolean;
  /** Forgets all versions, after a time in which notifications may have been lost. */
  forgetVersions(): void;
  clear(): void;
}

interface TrackedJob {
  count: number;
  /** The newest known cursor; `null` if there was no such job, `undefined` if unknown. */
  cursor: Cursor | null | undefined;
}

/** @param wake - Wakes the watchers of a job. The version is absent if versions may have started again. */
export function versionTracker(wake: (jobId: string, version?: number) => void): VersionTracker {
  const jobs = new Map<string, TrackedJob>();

  /** Records a change and wakes the watchers, unless it is known. Returns whether it was new. */
  function advance(jobId: string, job: TrackedJob, cursor: Cursor | undefined): boolean {
    const [from, to] = [parseCursor(job.cursor), parseCursor(cursor)];
    if (isKnown(from, to)) return false;
    job.cursor = to === undefined ? undefined : cursor;
    const isNewEpoch = from !== undefined && from.epoch !== to?.epoch;
    wake(jobId, isNewEpoch ? undefined : to?.version);
    return true;
  }

  /** Records what a poll found. Returns whether it is a change that should have been notified. */
  function recordPoll(jobId: string, cursor: Cursor | null): boolean {
    const job = jobs.get(jobId);
    if (job === undefined || job.cursor === cursor) return false;
    if (cursor !== null && typeof job.cursor === "string") return advance(jobId, job, cursor);
    // Seen for the first time, removed, or created.
    job.cursor = cursor;
    wake(jobId);
    return false;
  }

  return {
    track(jobId) {
      const job = jobs.get(jobId) ?? { count: 0, cursor: undefined };
      job.count += 1;
      jobs.set(jobId, job);
      let isTracked = true;
      return () => {
        if (!isTracked) return;
        isTracked = false;
        job.count -= 1;
        if (job.count === 0 && jobs.get(jobId) === job) jobs.delete(jobId);
      };
    },
    jobIds: () => [...jobs.keys()],
    onNotification({ jobId, cursor }) {
      const job = jobs.get(jobId);
      if (job !== undefined) advance(jobId, job, cursor);
    },
    onPoll: (jobIds, cursors) =>
      jobIds.filter((jobId) => recordPoll(jobId, cursors.get(jobId) ?? null)).length > 0,
    forgetVersions() {
      for (const job of jobs.values()) job.cursor = undefined;
    },
    clear: () => jobs.clear(),
  };
}

function isKnown(from: CursorParts | undefined, to: CursorParts | undefined): boolean {
  return (
    from !== undefined && to !== undefined && from.epoch === to.epoch && from.version >= to.version
  );
}
