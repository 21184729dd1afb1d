import type { ProgressError } from "@emlinh/progress-protocol";
import { checksFor } from "../../shared/option-checks.js";
import { MAX_TIMER_MS } from "../../shared/time.js";
import {
  resolveStoreLimits,
  type StoreLimits,
  type StoreOptions,
} from "../shared/store-options.js";

/** What is bound to a statement. */
export type SqliteValue = string | number | null;

/** What the store uses of a prepared statement. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): unknown;
  /** The first row, an object by column; `undefined` if there is none. */
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown;
}

/** What the store uses of a database: the synchronous interface that `better-sqlite3`, `libsql` and `node:sqlite` (`DatabaseSync`) have in common. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** What `sqliteStore` takes. `undefined` means the default, `Infinity` lifts a bound. */
export interface SqliteStoreOptions extends StoreOptions {
  /**
   * A connection of the store's own: it sets `journal_mode`, `synchronous` and `busy_timeout` on it, and no transaction may be left open on it. The
   * file may be shared with other tables and other processes. Whoever opened it closes it, after the store.
   */
  readonly database: SqliteDatabase;
  /** Begins the name of each table and index: letters, digits and `_`. @defaultValue `"progress_"` */
  readonly tablePrefix?: string | undefined;
  /** Milliseconds between looks at what other processes wrote, while a job is watched. `false` if this process is the only one. @defaultValue `20` */
  readonly pollMs?: number | false | undefined;
  /** Milliseconds for which a call waits for a process that has locked the file; then it is refused as `store-unavailable`. The event loop runs on meanwhile. @defaultValue `5_000` */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * When a write is on the disk. `normal`: once the system writes it there; a process killed at any moment loses nothing, a machine without power may lose
   * the last writes, and never harms the file. `full`: before it is acknowledged, for which the event loop waits at each write. @defaultValue `"normal"`
   */
  readonly synchronous?: "normal" | "full" | undefined;
  /** Milliseconds for which the id of a removed job is remembered, to answer `job-expired` in place of "never heard of it". @defaultValue `86_400_000` (a day) */
  readonly tombstoneTtlMs?: number | undefined;
  /** Milliseconds since the epoch. Processes that share a file share its machine, and so its time. @defaultValue `Date.now` */
  readonly clock?: (() => number) | undefined;
  /** Told when looking at what other processes wrote fails, once until it works again. Must not throw. */
  readonly onError?: ((error: ProgressError) => void) | undefined;
}

/** The options of a SQLite store, all present. */
export interface SqliteStoreSettings extends StoreLimits {
  readonly database: SqliteDatabase;
  readonly tablePrefix: string;
  readonly pollMs: number | false;
  readonly busyTimeoutMs: number;
  readonly synchronous: "normal" | "full";
  readonly tombstoneTtlMs: number;
  readonly clock: () => number;
  readonly onError: (error: ProgressError) => void;
}

/** Fills in the defaults and refuses what can't be meant. */
export function resolveSqliteOptions(options: SqliteStoreOptions): SqliteStoreSettings {
  const checks = checksFor("sqliteStore");
  const { duration, invalid } = checks;
  const { database, tablePrefix = "progress_", pollMs = 20, synchronous = "normal" } = options;
  if (typeof database?.exec !== "function" || typeof database.prepare !== "function")
    throw invalid(
      "database",
      database,
      "an open database of better-sqlite3, libsql or node:sqlite",
    );
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(tablePrefix))
    throw invalid(
      "tablePrefix",
      tablePrefix,
      'at most 40 letters, digits and "_", the first no digit',
    );
  if (synchronous !== "normal" && synchronous !== "full")
    throw invalid("synchronous", synchronous, '"normal" or "full"');
  return Object.freeze({
    ...resolveStoreLimits(options, checks),
    database,
    tablePrefix,
    pollMs: pollMs === false ? pollMs : Math.min(duration("pollMs", pollMs), MAX_TIMER_MS),
    busyTimeoutMs: duration("busyTimeoutMs", options.busyTimeoutMs ?? 5_000),
    synchronous,
    tombstoneTtlMs: duration("tombstoneTtlMs", options.tombstoneTtlMs ?? 86_400_000),
    clock: options.clock ?? Date.now,
    onError: options.onError ?? (() => {}),
  });
}
