import { join } from "node:path";
import type { ProgressStore } from "@emlinh/progress-server";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";

/** Milliseconds for which a job and its video are kept after the job's end: a week. */
const KEPT_MS = 7 * 24 * 3_600_000;

/** The studio's jobs: a SQLite file, which outlives the process. */
export interface JobStore {
  readonly store: ProgressStore;
  /** Closes the store and its file. */
  close(): Promise<void>;
}

/** Opens `jobs.db` in an existing directory. Creates the file if there is none. */
export function openJobStore(dataDir: string): JobStore {
  const database = new Database(join(dataDir, "jobs.db"));
  const store = sqliteStore({ database, ttlMs: KEPT_MS });
  return {
    store,
    async close() {
      await store.close();
      database.close();
    },
  };
}
