import type { ProgressStore } from "../../core/store.js";
import { openState } from "../shared/open-state.js";
import { isBusy, unavailable, whenFree } from "./busy.js";
import { expectationsOf, learnDurations } from "./expectations.js";
import { sqliteJobs } from "./jobs.js";
import { listJobs } from "./list-jobs.js";
import {
  resolveSqliteOptions,
  type SqliteStoreOptions,
  type SqliteStoreSettings,
} from "./options.js";
import { readJob } from "./read-job.js";
import { prepareDatabase } from "./schema.js";
import { prepareStatements, type Statements } from "./statements.js";
import { sweepJobs } from "./sweep.js";
import { sqliteWatches } from "./watches.js";
import { createWriteQueue } from "./write-queue.js";

/**
 * Keeps jobs in a SQLite file. They outlive the process, and every process on this machine that opens the file sees
 * them. A watcher in the writing process is woken at once, one in another process within `pollMs`.
 *
 * A write is acknowledged once it is committed; a `kill -9` after that does not lose it. The TTL of a job is that of
 * the process that wrote it last. The store creates its tables. The file must be on a local disk, because SQLite's
 * write-ahead log can't be shared over a network.
 *
 * @throws ProgressError `invalid-option` if an option is invalid or newer code made the tables; `store-unavailable` if
 * the file can't be used.
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P19, P47, P62
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
 * @example The module that comes with Node, from 22.13 on
 * ```ts
 * import { DatabaseSync } from "node:sqlite";
 * import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
 *
 * const store = sqliteStore({ database: new DatabaseSync("progress.db") });
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): ProgressStore {
  const settings = resolveSqliteOptions(options);
  const { database, maxLogLines, busyTimeoutMs, clock } = settings;
  const statements = connect(settings);
  const jobs = sqliteJobs(settings);
  const watches = sqliteWatches(settings, statements);
  const { committed: onCommit } = watches;
  const writes = createWriteQueue({ database, busyTimeoutMs, statements, onCommit });
  const { whenOpen, close } = openState();

  function reading<Result>(read: (statements: Statements) => Result): Promise<Result> {
    return whenFree(() => read(statements()), busyTimeoutMs);
  }

  return {
    maxLogLines,
    create: whenOpen((draft) => writes.run(jobs.create(draft))),
    write: whenOpen((jobId, change) => writes.run(jobs.write(jobId, change))),
    read: whenOpen((jobId, after) => {
      const call = { jobId, after, maxLogLines, clock };
      return reading((prepared) => readJob(prepared, call));
    }),
    list: whenOpen((subject, page) => reading((prepared) => listJobs(prepared, subject, page))),
    watch: whenOpen((target, wake) => watches.watch(target, wake)),
    remove: whenOpen((jobId) => writes.run(jobs.remove(jobId))),
    learn: whenOpen((kind, durations) => writes.run(learnDurations(kind, durations))),
    expectations: whenOpen((kind) => reading((prepared) => expectationsOf(prepared, kind))),
    sweep: whenOpen((now, limit, onEnd) => {
      const tools = { settings, jobs, writes, statements };
      return sweepJobs(tools, { now: now ?? clock(), limit, onEnd });
    }),

    async close() {
      close();
      watches.close();
      // Calls that were begun are completed.
      await writes.idle();
    },
  };
}

/**
 * Creates the tables and returns a function that gives the statements. If another process has locked the file, that
 * function creates the tables at the first call instead, because a call can wait.
 */
function connect(settings: SqliteStoreSettings): () => Statements {
  let prepared: Statements | undefined;

  function statements(): Statements {
    if (prepared === undefined) {
      prepareDatabase(settings);
      prepared = prepareStatements(settings.database, settings.tablePrefix);
    }
    return prepared;
  }

  try {
    statements();
  } catch (error) {
    if (!isBusy(error)) throw unavailable(error);
  }
  return statements;
}
