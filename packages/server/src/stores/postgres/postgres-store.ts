import type { ProgressStore, Wake, WatchTarget } from "../../core/store.js";
import { storeClosed } from "../../shared/errors.js";
import { within } from "../../shared/time.js";
import { postgresCalls } from "./calls.js";
import { type ChangeNotification, newSender } from "./change-notification.js";
import { postgresJobs } from "./jobs.js";
import { postgresList } from "./lists.js";
import { createNotifyBatcher } from "./notify-batcher.js";
import { type PostgresStoreOptions, resolvePostgresOptions } from "./options.js";
import { postgresSweep } from "./sweep.js";
import { createPostgresWatches } from "./watches.js";

const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Keeps jobs in PostgreSQL (12 or later, with the encoding UTF-8), for any number of processes.
 *
 * A write is one statement under the lock of its job's row: one round trip, and writers of one job take turns. Through
 * PgBouncer in transaction mode the store needs a `listener` that connects directly, or `listener: false`. All times
 * are the database's, so a process whose clock is wrong ends no job of another.
 *
 * The time at which a job is due is computed with the TTLs of the process that writes, and checked with those of the
 * process that sweeps. If they differ, the longer ones apply.
 *
 * @returns a store that takes one connection out of the pool at the first watch, unless it has a `listener`, and gives
 * it back on `close()`. Close the store before you end the pool.
 * @throws ProgressError `invalid-option` if a bound is not a positive number, a name is not an identifier, or the pool
 * can't spare a connection.
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P18, P47, P62
 *
 * @example
 * ```ts
 * const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
 * const progress = createProgress({ store: postgresStore({ pool }), authorize: allowAnyone });
 * ```
 *
 * @example With the postgres package
 * ```ts
 * const sql = postgres(process.env.DATABASE_URL);
 * const store = postgresStore({
 *   pool: { query: async (text, values) => ({ rows: await sql.unsafe(text, values) }) },
 *   listener: sql,
 * });
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): ProgressStore {
  const settings = resolvePostgresOptions(options);
  const { pool, maxLogLines } = settings;
  const calls = postgresCalls(settings);
  const sender = newSender();
  const batcher = createNotifyBatcher(sender, calls.notify);
  const { currentCursors } = calls;
  const watches = createPostgresWatches({ ...settings, sender, currentCursors });
  const methods = {
    ...postgresJobs(calls, notify),
    list: postgresList(calls),
    learn: calls.learn,
    expectations: calls.expectations,
    sweep: postgresSweep(calls, notify),
    watch: async (target: WatchTarget, wake: Wake) => watches.watch(target, wake),
  };
  let closing: Promise<unknown> | undefined;
  pool.on?.("error", ignoreIdleError);

  /** @throws ProgressError `closed` */
  function opened(): typeof methods {
    if (closing !== undefined) throw storeClosed();
    return methods;
  }

  /** Wakes the watchers of this process at once, and those of others by a notification. */
  function notify(notification: ChangeNotification): void {
    watches.onNotification(notification);
    batcher.add(notification);
  }

  return {
    maxLogLines,

    create: async (draft) => opened().create(draft),
    write: async (jobId, change) => opened().write(jobId, change),
    read: async (jobId, after) => opened().read(jobId, after),
    list: async (subject, page) => opened().list(subject, page),
    watch: async (target, wake) => opened().watch(target, wake),
    remove: async (jobId) => opened().remove(jobId),
    learn: async (kind, durations) => opened().learn(kind, durations),
    expectations: async (kind) => opened().expectations(kind),
    sweep: async (now, limit, onEnd) => opened().sweep(now, limit, onEnd),

    async close() {
      // A notification that can't be sent any more is lost, which the polls of other processes allow for.
      closing ??= Promise.all([
        watches.close(),
        within(CLOSE_TIMEOUT_MS, batcher.close()).catch(() => {}),
      ]);
      await closing;
      pool.removeListener?.("error", ignoreIdleError);
    },
  };
}

/**
 * The pool replaces an idle connection that breaks, and the next call fails if it can't. An unhandled `error` would end
 * the process.
 */
function ignoreIdleError(): void {}
