import {
  JobManager,
  type JobManagerOptions,
  type JobState,
  type JobsWatch,
  watchJobs,
} from "@emlinh/progress-client";
import { type Record, recordWatch } from "./record.js";
import type { ViewerOptions } from "./viewer.js";

/** The list of a subject, and jobs that a manager watches by id. */
export interface ListViewer {
  readonly list: JobsWatch;
  readonly records: ReadonlyMap<string, Record>;
  /** Every status of the connection of the list, in order, without repetitions. */
  readonly statuses: readonly string[];
  /** One text for each state of the list that was older than the one before. */
  readonly stepsBack: readonly string[];
  watch(jobId: string): void;
  /** Resolves when a condition is met, now or later. */
  until(expected: (viewer: ListViewer) => boolean): Promise<void>;
  close(): void;
}

/** The options of a manager and of a list. */
export type ListViewerOptions = ViewerOptions &
  Pick<JobManagerOptions, "tabs" | "page" | "fetch" | "clock" | "schedule"> & {
    readonly subject: string;
  };

/** Opens a viewer whose list and manager have a connection each, unless they share one among tabs. */
export function openListViewer({ subject, ...options }: ListViewerOptions): ListViewer {
  const manager = new JobManager({ ...options, storage: false });
  const list = watchJobs({ ...options, subject });
  const records = new Map<string, Record>();
  const statuses: string[] = [];
  const stepsBack: string[] = [];
  const stops: (() => void)[] = [];
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const check of waiting) check();
  };
  const viewer: ListViewer = {
    ...{ list, records, statuses, stepsBack },
    watch(jobId) {
      const stop = recordWatch(manager.watch(jobId), (record) => {
        records.set(jobId, record);
        changed();
      });
      stops.push(stop);
    },
    until: (expected) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!expected(viewer)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    close() {
      for (const stop of stops) stop();
      list.stop();
      manager.close();
    },
  };
  const shown = new Map<string, JobState>();
  list.subscribe(({ jobs, connection }) => {
    for (const job of jobs) {
      const before = shown.get(job.id);
      if (before && before.updatedAt > job.updatedAt) stepsBack.push(`${job.id}: ${job.message}`);
      shown.set(job.id, job);
    }
    if (statuses.at(-1) !== connection.status) statuses.push(connection.status);
    changed();
  });
  return viewer;
}
