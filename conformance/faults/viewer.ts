import { JobManager, type JobWatch, type WatchOptions, watchJob } from "@emlinh/progress-client";
import { type Record, recordWatch } from "./record.js";

/** A client that watches one job: in this process, or in a page of a browser. */
export interface Viewer {
  readonly record: Record | undefined;
  /**
   * Resolves with the first record that meets a condition, now or later. Rejects if the viewer is closed before.
   *
   * @param expected - Describes the condition in the error message.
   */
  until(expected: string, condition: (record: Record) => boolean): Promise<Record>;
  close(): Promise<void>;
}

/** The options that can be passed to a page as JSON. */
export type ViewerOptions = Pick<
  WatchOptions,
  | "baseUrl"
  | "transport"
  | "backoffMs"
  | "maxAttempts"
  | "openTimeoutMs"
  | "minSilenceMs"
  | "healthyMs"
  | "pollIntervalMs"
  | "pollWaitMs"
  | "probesMs"
>;

/** Opens a viewer of a job. */
export type OpenViewer = (jobId: string, options: ViewerOptions) => Promise<Viewer>;

/** Keeps the latest record, and resolves the promises that wait for one. */
export function inbox(): Omit<Viewer, "close"> & { put(record: Record): void; end(): void } {
  let last: Record | undefined;
  const waiting = new Set<{ check(record: Record): void; fail(): void }>();
  return {
    get record() {
      return last;
    },
    put(record) {
      last = record;
      for (const waiter of waiting) waiter.check(record);
    },
    end() {
      for (const waiter of waiting) waiter.fail();
    },
    until: (expected, condition) =>
      new Promise((resolve, reject) => {
        const waiter = {
          check(record: Record) {
            if (!condition(record)) return;
            waiting.delete(waiter);
            resolve(record);
          },
          fail: () =>
            reject(
              new Error(
                `The viewer never showed ${expected}. Its last record: ${JSON.stringify(last)}`,
              ),
            ),
        };
        waiting.add(waiter);
        if (last !== undefined) waiter.check(last);
      }),
  };
}

/** Opens a viewer in this process. */
export const openNodeViewer: OpenViewer = (jobId, options) => openViewer(watchJob(jobId, options));

/** Opens a viewer in this process that watches over the connection of a manager. */
export const openManagerViewer: OpenViewer = async (jobId, options) => {
  const manager = new JobManager({ ...options, storage: false });
  const viewer = await openViewer(manager.watch(jobId));
  return {
    ...viewer,
    get record() {
      return viewer.record;
    },
    async close() {
      await viewer.close();
      manager.close();
    },
  };
};

/** Opens a viewer of a watch, which it stops when it closes. */
export async function openViewer(watch: JobWatch): Promise<Viewer> {
  const box = inbox();
  const stop = recordWatch(watch, box.put);
  return {
    until: box.until,
    get record() {
      return box.record;
    },
    close: async () => {
      stop();
      box.end();
    },
  };
}
