import type { SqliteDatabase, SqliteValue } from "./options.js";
import {
  type Changed,
  type Head,
  JOB_COLUMNS,
  type JobRow,
  jobRow,
  type RawDelta,
  type Row,
  rawDelta,
  timeOr,
  valuesOf,
} from "./rows.js";

/** The store's prepared statements, by what they are for. Each is atomic, and throws the driver's error. */
export interface Statements {
  jobById(id: string): JobRow | undefined;
  jobByKey(key: string): JobRow | undefined;
  insertJob(row: Omit<JobRow, "job">, key: string | null): void;
  updateJob(row: JobRow): void;
  /** Leaves an id and a time of a job. */
  buryJob(removedAt: number, change: number, job: number): void;
  deleteJob(job: number): void;
  deleteFields(job: number): void;
  deleteLines(job: number): void;

  setField(job: number, name: string, version: number, json: string): void;
  addLines(job: number, version: number, lastN: number, json: string): void;
  /** Drops what was appended up to a line. */
  trimLines(job: number, lastN: number): void;

  head(id: string): Head | undefined;
  /** What came after a version; all of it if the epoch is another, or the version is from the future. */
  delta(id: string, epoch: string, version: number): RawDelta | undefined;

  /** When a sweep has something to do; `Infinity` for never. */
  nextDue(): number | undefined;
  jobsDue(now: number, limit: number): readonly JobRow[];
  /** When the first of the removed jobs that are remembered was removed. */
  firstRemoved(): number | undefined;
  forgetRemoved(until: number, limit: number): void;

  /** The number of the last transaction that readers can see. */
  changes(): number | undefined;
  setChanges(change: number): void;
  changedSince(change: number): readonly Changed[];
}

/** Prepares every statement once. The tables must be there. */
export function prepareStatements(database: SqliteDatabase, prefix: string): Statements {
  const [jobs, fields, lines, meta] = ["jobs", "fields", "lines", "meta"].map(
    (table) => prefix + table,
  );

  function one<Result>(sql: string, read: (row: Row) => Result) {
    const statement = database.prepare(sql);
    return (...values: SqliteValue[]): Result | undefined => {
      const row = statement.get(...values);
      return row === undefined || row === null ? undefined : read(row as Row);
    };
  }

  function many<Result>(sql: string, read: (row: Row) => Result) {
    const statement = database.prepare(sql);
    return (...values: SqliteValue[]): Result[] => (statement.all(...values) as Row[]).map(read);
  }

  function run(sql: string) {
    const statement = database.prepare(sql);
    return (...values: SqliteValue[]): void => {
      statement.run(...values);
    };
  }

  const jobBy = (column: "id" | "key") =>
    one(`SELECT job, id, ${JOB_COLUMNS} FROM ${jobs} WHERE ${column} = ?`, jobRow);
  const insertJob = run(
    `INSERT INTO ${jobs} (id, key, ${JOB_COLUMNS}) VALUES (?, ?${", ?".repeat(15)})`,
  );
  const updateJob = run(
    `UPDATE ${jobs} SET (${JOB_COLUMNS}) = (?${", ?".repeat(14)}) WHERE job = ?`,
  );
  const deltaOf = many(
    // One statement, and so one consistent point, whatever other processes write meanwhile.
    `WITH head AS (
      SELECT job, epoch, version, lines, removed_at, CASE WHEN epoch = ? AND version >= ? THEN ? ELSE 0 END AS since
      FROM ${jobs} WHERE id = ?
    )
    SELECT 0 AS kind, epoch AS text, version, lines AS n, removed_at AS name FROM head
    UNION ALL
    SELECT 1, value, f.version, NULL, name FROM head CROSS JOIN ${fields} AS f WHERE f.job = head.job AND f.version > since
    UNION ALL
    SELECT 2, l.lines, l.version, last_n, NULL FROM head CROSS JOIN ${lines} AS l WHERE l.job = head.job AND l.version > since`,
    (row) => row,
  );

  return {
    jobById: jobBy("id"),
    jobByKey: jobBy("key"),
    insertJob: (row: Omit<JobRow, "job">, key: string | null) =>
      insertJob(row.id, key, ...valuesOf(row)),
    updateJob: (row: JobRow) => updateJob(...valuesOf(row), row.job),
    buryJob: run(
      `UPDATE ${jobs} SET key = NULL, due_at = NULL, removed_at = ?, changed = ? WHERE job = ?`,
    ),
    deleteJob: run(`DELETE FROM ${jobs} WHERE job = ?`),
    deleteFields: run(`DELETE FROM ${fields} WHERE job = ?`),
    deleteLines: run(`DELETE FROM ${lines} WHERE job = ?`),

    setField: run(
      `INSERT OR REPLACE INTO ${fields} (job, name, version, value) VALUES (?, ?, ?, ?)`,
    ),
    addLines: run(`INSERT INTO ${lines} (job, version, last_n, lines) VALUES (?, ?, ?, ?)`),
    trimLines: run(`DELETE FROM ${lines} WHERE job = ? AND last_n <= ?`),

    head: one(
      `SELECT epoch, version, removed_at FROM ${jobs} WHERE id = ?`,
      (row): Head => ({
        epoch: String(row.epoch),
        version: Number(row.version),
        removed: row.removed_at !== null,
      }),
    ),
    delta: (id: string, epoch: string, version: number): RawDelta | undefined =>
      rawDelta(deltaOf(epoch, version, version, id)),

    nextDue: one(`SELECT min(due_at) AS at FROM ${jobs} WHERE due_at IS NOT NULL`, (row) =>
      timeOr(row.at, Number.POSITIVE_INFINITY),
    ),
    jobsDue: many(
      `SELECT job, id, ${JOB_COLUMNS} FROM ${jobs} WHERE due_at <= ? ORDER BY due_at LIMIT ?`,
      jobRow,
    ),
    firstRemoved: one(
      `SELECT min(removed_at) AS at FROM ${jobs} WHERE removed_at IS NOT NULL`,
      (row) => timeOr(row.at, Number.POSITIVE_INFINITY),
    ),
    forgetRemoved: run(
      `DELETE FROM ${jobs} WHERE job IN (SELECT job FROM ${jobs} WHERE removed_at <= ? ORDER BY removed_at LIMIT ?)`,
    ),

    changes: one(`SELECT value FROM ${meta} WHERE name = 'changes'`, (row) => Number(row.value)),
    setChanges: run(`INSERT OR REPLACE INTO ${meta} (name, value) VALUES ('changes', ?)`),
    changedSince: many(
      `SELECT id, version, removed_at, born FROM ${jobs} WHERE changed > ?`,
      (row): Changed => ({
        id: String(row.id),
        version: Number(row.version),
        removed: row.removed_at !== null,
        born: Number(row.born),
      }),
    ),
  };
}
