import type { Change, Cursor } from "@emlinh/progress-protocol";
import type { JobDraft, ProgressStore, SweepReport } from "../../core/store.js";
import { storeClosed } from "../../shared/errors.js";
import { sweepCounts } from "../../shared/lifecycle.js";
import { watchers } from "../shared/watchers.js";
import { isBusy, unavailable, whenFree } from "./busy.js";
import { createFeed } from "./change-poller.js";
import { readJob, sqliteJobs } from "./jobs.js";
import {
  resolveSqliteOptions,
  type SqliteStoreOptions,
  type SqliteStoreSettings,
} from "./options.js";
import { prepareDatabase } from "./schema.js";
import { prepareStatements, type Statements } from "./statements.js";
import { createLane } from "./write-queue.js";

/** Jobs that a sweep does in one transaction: between two of them others have their turn. */
const SWEEP_BATCH = 50;

/**
 * Keeps jobs in a SQLite file: they outlive the process, and every process on this machine that opens the file sees them. A watcher in the
 * writing process is woken at once, one in another process within `pollMs`.
 *
 * A write is acknowledged once it is committed, and then a `kill -9` at any moment doesn't lose it. A TTL is that of the process which wrote last.
 * The tables are made here. The file must be on a disk of this machine: SQLite's log can't be shared over a network.
 *
 * @throws ProgressError `invalid-option` if an option can't be meant, or newer code made the tables; `store-unavailable` if the file can't be used.
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P18
 *
 * @example libsql, from Node 20 on
 * ```ts
 * import Database from "libsql";
 * import { allowAnyone, createProgress } from "@emlinh/progress-server";
 * import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
 *
 * const store = sqliteStore({ database: new Database("progress.db") });
 * const progress = createProgress({ store, authorize: allowAnyone });
 * ```
 *
 * @example better-sqlite3
 * ```ts
 * import Database from "better-sqlite3";
 * import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
 *
 * const store = sqliteStore({ database: new Database("progress.db") });
 * ```
 *
 * @example What Node brings along, from 22.13 on
 * ```ts
 * import { DatabaseSync } from "node:sqlite";
 * import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
 *
 * const store = sqliteStore({ database: new DatabaseSync("progress.db") });
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): ProgressStore {
  const settings = resolveSqliteOptions(options);
  const { database, maxLogLines, busyTimeoutMs, tombstoneTtlMs, clock } = settings;
  const ready = connect(settings);
  const jobs = sqliteJobs(settings);
  const watching = watchers();
  const feed = createFeed(settings, watching, ready);
  const lane = createLane({
    database,
    busyTimeoutMs,
    ready,
    onCommit(change, wakes) {
      feed.committed(change);
      for (const [jobId, version] of wakes) watching.wake(jobId, version);
    },
  });
  let closed = false;

  function assertOpen(): void {
    if (closed) throw storeClosed();
  }

  /** Without a lock: most sweeps find nothing. */
  function isDue(now: number): Promise<boolean> {
    return whenFree(() => (ready().nextDue() ?? Number.POSITIVE_INFINITY) <= now, busyTimeoutMs);
  }

  function hasOldTombstones(now: number): Promise<boolean> {
    const until = now - tombstoneTtlMs;
    return whenFree(
      () => (ready().firstRemoved() ?? Number.POSITIVE_INFINITY) <= until,
      busyTimeoutMs,
    );
  }

  return {
    maxLogLines,

    async create(draft: JobDraft) {
      assertOpen();
      return lane.run(jobs.create(draft));
    },

    async write(jobId: string, change: Change) {
      assertOpen();
      return lane.run(jobs.write(jobId, change));
    },

    async read(jobId: string, after?: Cursor) {
      assertOpen();
      return whenFree(() => readJob(ready(), { jobId, after, maxLogLines }), busyTimeoutMs);
    },

    async watch(jobId, wake) {
      assertOpen();
      const unwatch = watching.add(jobId, wake);
      const end = async (): Promise<void> => {
        await unwatch();
        if (watching.size === 0) feed.stop();
      };
      try {
        await feed.start();
      } catch (error) {
        await end();
        throw error;
      }
      return end;
    },

    async sweep(at: number | undefined, limit: number): Promise<SweepReport> {
      assertOpen();
      const now = at ?? clock();
      const counts = sweepCounts();
      let left = limit;
      let more = await isDue(now);
      if (!more && (await hasOldTombstones(now))) await lane.run(jobs.sweep(now, SWEEP_BATCH));
      while (more && left > 0) {
        const fates = await lane.run(jobs.sweep(now, Math.min(left, SWEEP_BATCH)));
        for (const fate of fates) counts.add(fate);
        left -= fates.length;
        more = await isDue(now);
      }
      return counts.report(more);
    },

    async remove(_jobId) {
      throw new Error("remove is not implemented yet");
    },

    async close() {
      closed = true;
      feed.stop();
      watching.clear();
      // What was begun is brought to its end.
      await lane.idle();
    },
  };
}

/** Gives the statements, once the tables are there. A lock that another process holds at the start is left to the first call, which can wait. */
function connect(settings: SqliteStoreSettings): () => Statements {
  let statements: Statements | undefined;

  function ready(): Statements {
    if (statements === undefined) {
      prepareDatabase(settings);
      statements = prepareStatements(settings.database, settings.tablePrefix);
    }
    return statements;
  }

  try {
    ready();
  } catch (error) {
    if (!isBusy(error)) throw unavailable(error);
  }
  return ready;
}
