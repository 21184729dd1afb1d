import type { ProgressError } from "@emlinh/progress-protocol";
import { neverThrows } from "../../shared/never-throws.js";
import { checksFor } from "../../shared/option-checks.js";
import { createErrorPrinter } from "../../shared/print-error.js";
import { MAX_TIMER_MS } from "../../shared/time.js";
import {
  resolveStoreLimits,
  type StoreLimits,
  type StoreOptions,
} from "../shared/store-options.js";

/** A value that the store binds to a statement. */
export type SqliteValue = string | number | null;

/** The part of a prepared statement that the store uses. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): unknown;
  /** The first row as an object by column; `undefined` if there is none. */
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown;
}

/**
 * The part of a database that the store uses: the synchronous interface that `better-sqlite3`, `libsql` and
 * `node:sqlite` (`DatabaseSync`) have in common.
 */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** Options of {@link sqliteStore}. `undefined` means the default, `Infinity` lifts a bound. */
export interface SqliteStoreOptions extends StoreOptions {
  /**
   * An open connection that only the store uses: the store sets `journal_mode`, `synchronous` and `busy_timeout` on it,
   * and runs its own transactions. The file may hold other tables, and other processes may open it. The caller closes
   * the connection, after the store.
   */
  readonly database: SqliteDatabase;
  /** The prefix of each table and index: at most 40 letters, digits and `_`. @defaultValue `"progress_"` */
  readonly tablePrefix?: string | undefined;
  /**
   * Milliseconds between two polls for changes of other processes, while a job is watched. `false` if this process is
   * the only one.
   * @defaultValue `20`
   */
  readonly pollMs?: number | false | undefined;
  /**
   * Milliseconds for which a call waits while another process has locked the file. After that it throws
   * `store-unavailable`. The event loop is not blocked. @defaultValue `5_000`
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * When a write reaches the disk. `normal`: when the operating system flushes it. A killed process loses nothing; a
   * power failure may lose the last writes, but does not damage the file. `full`: before the write is acknowledged,
   * which blocks the event loop at each commit. @defaultValue `"normal"`
   */
  readonly synchronous?: "normal" | "full" | undefined;
  /**
   * Milliseconds for which the id of a removed job is remembered, to answer `job-expired` instead of `job-not-found`.
   * @defaultValue `86_400_000` (a day)
   */
  readonly tombstoneTtlMs?: number | undefined;
  /**
   * Milliseconds since the epoch. Processes that share a file are on one machine and share its clock.
   * @defaultValue `Date.now`
   */
  readonly clock?: (() => number) | undefined;
  /**
   * Called when polling for changes of other processes fails: once, until polling works again. Errors that it throws
   * are ignored.
   * @defaultValue writes one line to stderr per kind of error
   */
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

/** The type makes a missing name an error. */
const OWN_NAMES: {
  readonly [Name in Exclude<keyof SqliteStoreOptions, keyof StoreOptions>]-?: true;
} = {
  database: true,
  tablePrefix: true,
  pollMs: true,
  busyTimeoutMs: true,
  synchronous: true,
  tombstoneTtlMs: true,
  clock: true,
  onError: true,
};

/** Fills in the defaults and checks the options. */
export function resolveSqliteOptions(options: SqliteStoreOptions): SqliteStoreSettings {
  const checks = checksFor("sqliteStore", "sqliteStore({ database })");
  const { duration, callback, invalid } = checks;
  const limits = resolveStoreLimits(options, checks, OWN_NAMES);
  const { database, tablePrefix = "progress_", pollMs = 20, synchronous = "normal" } = options;
  if (typeof database?.exec !== "function" || typeof database.prepare !== "function")
    throw invalid(
      "database",
      database,
      'an open database, such as new Database("progress.db") of better-sqlite3 or libsql',
    );
  if (typeof tablePrefix !== "string" || !/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(tablePrefix))
    throw invalid(
      "tablePrefix",
      tablePrefix,
      'at most 40 letters, digits and "_", not beginning with a digit',
    );
  if (synchronous !== "normal" && synchronous !== "full")
    throw invalid("synchronous", synchronous, '"normal" or "full"');
  callback("clock", options.clock);
  callback("onError", options.onError);
  return Object.freeze({
    ...limits,
    database,
    tablePrefix,
    pollMs: pollMs === false ? pollMs : Math.min(duration("pollMs", pollMs), MAX_TIMER_MS),
    busyTimeoutMs: duration("busyTimeoutMs", options.busyTimeoutMs ?? 5_000),
    synchronous,
    tombstoneTtlMs: duration("tombstoneTtlMs", options.tombstoneTtlMs ?? 86_400_000),
    clock: options.clock ?? Date.now,
    onError: neverThrows(options.onError ?? createErrorPrinter()),
  });
}
