import { join } from "node:path";
import { isProgressError, ProgressError, type ProgressStore } from "@emlinh/progress-server";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import type { VideoFiles } from "./video-files.js";

const DAY_MS = 24 * 3_600_000;

/** A job is kept for so long after its end, and so is its video. */
const KEPT_MS = 7 * DAY_MS;

/** For so long it is known of a removed job that it was there: longer than this studio stays closed, so that its video goes too. */
const REMEMBERED_MS = 365 * DAY_MS;

/** The studio's jobs: a SQLite file, which outlives the process. */
export interface JobStore {
  readonly store: ProgressStore;
  /** Whether a job was there, and has been removed. */
  hasExpired(jobId: string): Promise<boolean>;
  /** Closes the store and its file. */
  close(): Promise<void>;
}

/** Opens `jobs.db` in a directory that is there. */
export function openJobStore(dataDir: string): JobStore {
  const database = new Database(join(dataDir, "jobs.db"));
  const store = sqliteStore({ database, ttlMs: KEPT_MS, tombstoneTtlMs: REMEMBERED_MS });
  return {
    store,
    async hasExpired(jobId) {
      try {
        await store.read(jobId);
        return false;
      } catch (error) {
        if (isProgressError(error, "job-expired")) return true;
        throw error;
      }
    },
    async close() {
      await store.close();
      database.close();
    },
  };
}

/** The same store, but a finished job whose video made room for others is told as expired: no page shows a player for a video that isn't there. */
export function withVideos(store: ProgressStore, files: VideoFiles): ProgressStore {
  return {
    ...store,
    async read(jobId, after) {
      const delta = await store.read(jobId, after);
      // Who was there when it ended has had the video; and the end must not wait for a look at the disk.
      if (delta?.reset && delta.set.status === "completed" && !(await files.has(jobId)))
        throw new ProgressError("job-expired", {
          message: `The video of job "${jobId}" is no longer kept.`,
          status: 410,
        });
      return delta;
    },
  };
}
