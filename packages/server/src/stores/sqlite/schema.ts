import { ProgressError } from "@emlinh/progress-protocol";
import type { SqliteDatabase, SqliteStoreSettings } from "./options.js";

/** Raised when older code could no longer read or write the tables. */
const SCHEMA = 1;

/**
 * Milliseconds for which SQLite itself waits for a lock, and blocks this process: a little, since most locks last less than that. After it the
 * store waits without blocking.
 */
const BLOCKING_MS = 3;

/**
 * Sets the connection up and makes the tables, if they aren't there. May be done again, and by several processes at once.
 *
 * @throws ProgressError `invalid-option` if newer code made the tables, or the database isn't one; the driver's error if the file is locked or unusable.
 */
export function prepareDatabase(settings: SqliteStoreSettings): void {
  const { database, tablePrefix, synchronous } = settings;
  database.exec(`PRAGMA busy_timeout = ${BLOCKING_MS}`);
  // A write-ahead log: readers and the writer don't wait for each other, and a commit is one append.
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${synchronous}`);
  if (schemaOf(database, tablePrefix) === SCHEMA) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec(tables(tablePrefix));
    database.exec("COMMIT");
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Takes back a transaction that failed. */
export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite has rolled back by itself, as it does when the disk is full; the error that matters is the one before.
  }
}

function schemaOf(database: SqliteDatabase, prefix: string): number | undefined {
  const found = database
    .prepare("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = ?")
    .get(`${prefix}meta`) as { readonly n?: unknown } | undefined;
  // Of a driver with promises, or one that gives rows as arrays.
  if (found?.n === undefined)
    throw new ProgressError("invalid-option", {
      message:
        "sqliteStore: database gives no rows as objects at once; hand in one of better-sqlite3, libsql or node:sqlite, with its defaults.",
    });
  if (Number(found.n) === 0) return undefined;
  const row = database.prepare(`SELECT value FROM ${prefix}meta WHERE name = 'schema'`).get();
  const schema = Number((row as { readonly value?: unknown } | undefined)?.value);
  if (schema > SCHEMA)
    throw new ProgressError("invalid-option", {
      message: `sqliteStore: the tables "${prefix}…" have the layout ${schema}, and this version knows them up to ${SCHEMA}: update the library, or set another tablePrefix.`,
      details: { schema, known: SCHEMA },
    });
  return schema;
}

/**
 * - `jobs`: one row per job, and per removed job that is remembered (`removed_at`). `due_at` is when a sweep has something to do for it.
 *   `lines` counts the lines that it ever had. `born` and `changed` number the transaction that made it, and that changed it last.
 * - `fields`: the value of each field as JSON, and the version that set it; `value` comes last, so that a look at the versions skips it.
 * - `lines`: what one write appended, as a JSON array; `last_n` is the number of its last line.
 * - `meta`: `changes` counts the transactions that readers can see. SQLite has one writer at a time, so numbers are committed in their order.
 */
function tables(prefix: string): string {
  return `
    CREATE TABLE IF NOT EXISTS ${prefix}meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT OR IGNORE INTO ${prefix}meta (name, value) VALUES ('schema', ${SCHEMA});
    CREATE TABLE IF NOT EXISTS ${prefix}jobs (
      job INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT UNIQUE,
      epoch TEXT NOT NULL, version INTEGER NOT NULL, lines INTEGER NOT NULL, status TEXT, attempt INTEGER,
      stale INTEGER NOT NULL, lease_until INTEGER, lease_ms INTEGER NOT NULL, deadline_at INTEGER,
      written_at INTEGER NOT NULL, ended_at INTEGER, removed_at INTEGER, due_at INTEGER,
      born INTEGER NOT NULL, changed INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS ${prefix}jobs_due ON ${prefix}jobs (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS ${prefix}jobs_removed ON ${prefix}jobs (removed_at) WHERE removed_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS ${prefix}jobs_changed ON ${prefix}jobs (changed);
    CREATE TABLE IF NOT EXISTS ${prefix}fields (
      job INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL,
      PRIMARY KEY (job, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ${prefix}lines (
      job INTEGER NOT NULL, version INTEGER NOT NULL, last_n INTEGER NOT NULL, lines TEXT NOT NULL,
      PRIMARY KEY (job, version)
    ) WITHOUT ROWID;
  `;
}
