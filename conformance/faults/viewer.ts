import { type WatchOptions, watchJob } from "@emlinh/progress-client";
import { type Record, recordWatch } from "./record.js";

/** A reader of one job, wherever it runs. */
export interface Viewer {
  readonly record: Record | undefined;
  /** Resolves with the first record that meets the condition: now, or when it comes. Rejects when the viewer is closed before. */
  until(what: string, condition: (record: Record) => boolean): Promise<Record>;
  close(): Promise<void>;
}

/** The part of the options that can be told to a page. */
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

/** Makes viewers of one sort: in this process, or in a browser. */
export type OpenViewer = (jobId: string, options: ViewerOptions) => Promise<Viewer>;

/** Collects records and wakes those who wait for one. */
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
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const waiter = {
          check(record: Record) {
            if (!condition(record)) return;
            waiting.delete(waiter);
            resolve(record);
          },
          fail: () => reject(new Error(`never saw ${what}; last: ${JSON.stringify(last)}`)),
        };
        waiting.add(waiter);
        if (last !== undefined) waiter.check(last);
      }),
  };
}

/** A viewer in this process. */
export const openNodeViewer: OpenViewer = async (jobId, options) => {
  const box = inbox();
  const stop = recordWatch(watchJob(jobId, options), box.put);
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
};
