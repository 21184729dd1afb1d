import { ProgressError } from "@emlinh/progress-protocol";
import type { SqliteDatabase, SqliteStoreSettings } from "./options.js";
import { exclusively } from "./transaction.js";

/** The layout of the tables. Raise it when older code can no longer read or write them. */
const SCHEMA = 2;

/**
 * Milliseconds for which SQLite itself waits for a lock, which blocks this process. Most locks last less than that. For
 * a longer one the store waits without blocking.
 */
const BLOCKING_MS = 3;

/**
 * Configures the connection and creates the tables that are missing, also those that an older layout lacks. Idempotent;
 * several processes may do it at once.
 *
 * @throws ProgressError `invalid-option` if newer code made the tables, or the driver is not supported; the driver's
 * error if the file is locked or can't be used.
 */
export function prepareDatabase(settings: SqliteStoreSettings): void {
  const { database, tablePrefix, synchronous } = settings;
  database.exec(`PRAGMA busy_timeout = ${BLOCKING_MS}`);
  // With a write-ahead log readers and the writer do not wait for each other, and a commit is one append.
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${synchronous}`);
  if (schemaOf(database, tablePrefix) === SCHEMA) return;
  exclusively(database, () => database.exec(tables(tablePrefix)));
}

function schemaOf(database: SqliteDatabase, prefix: string): number | undefined {
  const found = database
    .prepare("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = ?")
    .get(`${prefix}meta`) as { readonly n?: unknown } | undefined;
  // A driver with promises, or one that returns rows as arrays.
  if (found?.n === undefined)
    throw new ProgressError("invalid-option", {
      message:
        "sqliteStore: the database did not return a row as an object, synchronously. " +
        "Pass a database of better-sqlite3, libsql or node:sqlite with its default settings.",
    });
  if (Number(found.n) === 0) return undefined;
  const row = database.prepare(`SELECT value FROM ${prefix}meta WHERE name = 'schema'`).get();
  const schema = Number((row as { readonly value?: unknown } | undefined)?.value);
  if (schema > SCHEMA)
    throw new ProgressError("invalid-option", {
      message:
        `sqliteStore: the tables "${prefix}…" have layout ${schema}, but this version of the library ` +
        `supports layouts up to ${SCHEMA}. Update the library, or set another tablePrefix.`,
      details: { schema, known: SCHEMA },
    });
  return schema;
}

/**
 * - `jobs`: one row per job, and one per tombstone (`removed_at`). `due_at` is the time of its next transition. `lines`
 *   counts the lines that it ever had, and `lost_lines` the numbers that were skipped. The `hold_` columns are the
 *   worker that may write to it. `created_in` and `changed_in` are the numbers of the transactions that created it and
 *   that last changed what readers see.
 * - `fields`: the value of each field as JSON, and the version that set it. `value` is the last column, so that a scan
 *   of the versions does not read it.
 * - `lines`: the lines of one write as a JSON array. Of the last one, `last_n` is the number, and `ordinal` is its
 *   place among the job's lines.
 * - `listed`: a row per kept job and subject. Places rise in the order of creation. Each is used once, unlike the
 *   number of a job, so that a position stays right after the removal of the newest job.
 * - `list_changes`: the subjects whose lists a transaction changed, for the processes that watch them.
 * - `unlist`: the trigger that takes a removed job out of its lists. It also does so for a process with the code of
 *   layout 1, which does not know the lists.
 * - `expectations`: the steps of a kind as JSON, and the number of the call that taught them last.
 * - `meta`: `schema` is the layout; `transactions` is the number of the last transaction that readers can see.
 */
function tables(prefix: string): string {
  return `
    CREATE TABLE IF NOT EXISTS ${prefix}meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO ${prefix}meta (name, value) VALUES ('schema', ${SCHEMA})
      ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value);
    CREATE TABLE IF NOT EXISTS ${prefix}jobs (
      job INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT UNIQUE,
      epoch TEXT NOT NULL, version INTEGER NOT NULL, lines INTEGER NOT NULL, lost_lines INTEGER NOT NULL,
      status TEXT, attempt INTEGER, hold_token TEXT, hold_count INTEGER, hold_since INTEGER,
      stale INTEGER NOT NULL, lease_until INTEGER, lease_ms INTEGER NOT NULL, deadline_at INTEGER,
      written_at INTEGER NOT NULL, ended_at INTEGER, removed_at INTEGER, due_at INTEGER,
      created_in INTEGER NOT NULL, changed_in INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS ${prefix}jobs_due ON ${prefix}jobs (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS ${prefix}jobs_removed ON ${prefix}jobs (removed_at)
      WHERE removed_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS ${prefix}jobs_changed ON ${prefix}jobs (changed_in);
    CREATE TABLE IF NOT EXISTS ${prefix}fields (
      job INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL,
      PRIMARY KEY (job, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ${prefix}lines (
      job INTEGER NOT NULL, version INTEGER NOT NULL, ordinal INTEGER NOT NULL, last_n INTEGER NOT NULL,
      lines TEXT NOT NULL,
      PRIMARY KEY (job, version)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ${prefix}listed (
      place INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, subject TEXT NOT NULL,
      UNIQUE (job, subject)
    );
    CREATE INDEX IF NOT EXISTS ${prefix}listed_subject ON ${prefix}listed (subject, place);
    CREATE TABLE IF NOT EXISTS ${prefix}list_changes (
      changed_in INTEGER NOT NULL, subject TEXT NOT NULL, PRIMARY KEY (changed_in, subject)
    ) WITHOUT ROWID;
    CREATE TRIGGER IF NOT EXISTS ${prefix}unlist AFTER UPDATE OF removed_at ON ${prefix}jobs
      WHEN NEW.removed_at IS NOT NULL
    BEGIN
      INSERT OR IGNORE INTO ${prefix}list_changes (changed_in, subject)
        SELECT NEW.changed_in, subject FROM ${prefix}listed WHERE job = NEW.job;
      DELETE FROM ${prefix}listed WHERE job = NEW.job;
    END;
    CREATE TABLE IF NOT EXISTS ${prefix}expectations (
      kind TEXT PRIMARY KEY, steps TEXT NOT NULL, call INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS ${prefix}expectations_call ON ${prefix}expectations (call);
  `;
}
