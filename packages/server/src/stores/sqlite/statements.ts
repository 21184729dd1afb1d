import type { EncodedField } from "./encoded-change.js";
import {
  type ExpectationStatements,
  expectationStatements,
  type ListStatements,
  listStatements,
} from "./list-statements.js";
import type { SqliteDatabase } from "./options.js";
import { type Prepare, preparing, type Tables, tablesOf } from "./prepare.js";
import {
  type ChangedJob,
  type Head,
  headOf,
  JOB_COLUMNS,
  type JobRow,
  jobRow,
  numberOr,
  type Row,
  type StoredChanges,
  storedChanges,
  valuesOf,
} from "./rows.js";

/** The store's prepared statements. Each is atomic and throws the driver's error. */
export interface Statements
  extends JobStatements,
    DataStatements,
    ReadStatements,
    ListStatements,
    ExpectationStatements,
    SweepStatements {}

/** One row per job. */
interface JobStatements {
  jobById(id: string): JobRow | undefined;
  jobByKey(key: string): JobRow | undefined;
  insertJob(row: Omit<JobRow, "job">, key: string | null): void;
  updateJob(row: JobRow): void;
  /** Marks a job as removed and drops its key, so that only its id is remembered. */
  leaveTombstone(removedAt: number, transaction: number, job: number): void;
  deleteJob(job: number): void;
}

/** Fields and lines. */
interface DataStatements {
  setField(job: number, name: string, version: number, json: string): void;
  addLines(lines: LinesRow): void;
  /** Deletes the writes whose last line is at most this one. */
  trimLines(job: number, ordinal: number): void;
  /** The job's steps. */
  stepsOf(job: number): readonly EncodedField[];
  deleteFields(job: number): void;
  deleteLines(job: number): void;
}

/** The lines of one write. */
interface LinesRow {
  readonly job: number;
  readonly version: number;
  /** The place of the last line among the job's lines. */
  readonly ordinal: number;
  /** The number of the last line. */
  readonly lastN: number;
  readonly json: string;
}

/** For readers, and for the change poller. */
interface ReadStatements {
  head(id: string): Head | undefined;
  /** The changes after a version; everything if the epoch is another one or the version is from the future. */
  changes(id: string, epoch: string, version: number): StoredChanges | undefined;
  /** The number of the last transaction that readers can see; `undefined` if the file has none. */
  lastTransaction(): number | undefined;
  setLastTransaction(number: number): void;
  /** The jobs that transactions after this one changed or removed. */
  changedSince(transaction: number): readonly ChangedJob[];
}

interface SweepStatements {
  /** The time of the next transition of any job; `Infinity` for none. */
  nextDue(): number | undefined;
  jobsDue(now: number, limit: number): readonly JobRow[];
  /** The time at which the oldest tombstone was left; `Infinity` for none. */
  firstRemoved(): number | undefined;
  forgetRemoved(until: number, limit: number): void;
}

/** Prepares every statement once. The tables must exist. */
export function prepareStatements(database: SqliteDatabase, prefix: string): Statements {
  const tables = tablesOf(prefix);
  const prepare = preparing(database);
  return {
    ...jobStatements(prepare, tables),
    ...dataStatements(prepare, tables),
    ...readStatements(prepare, tables),
    ...listStatements(prepare, tables),
    ...expectationStatements(prepare, tables),
    ...sweepStatements(prepare, tables),
  };
}

function jobStatements({ one, run }: Prepare, { jobs }: Tables): JobStatements {
  const jobBy = (column: "id" | "key") =>
    one(`SELECT job, id, ${JOB_COLUMNS} FROM ${jobs} WHERE ${column} = ?`, jobRow);
  const insertJob = run(
    `INSERT INTO ${jobs} (id, key, ${JOB_COLUMNS}) VALUES (?, ?${", ?".repeat(19)})`,
  );
  const updateJob = run(
    `UPDATE ${jobs} SET (${JOB_COLUMNS}) = (?${", ?".repeat(18)}) WHERE job = ?`,
  );
  return {
    jobById: jobBy("id"),
    jobByKey: jobBy("key"),
    insertJob: (row, key) => insertJob(row.id, key, ...valuesOf(row)),
    updateJob: (row) => updateJob(...valuesOf(row), row.job),
    leaveTombstone: run(
      `UPDATE ${jobs} SET key = NULL, due_at = NULL, removed_at = ?, changed_in = ? WHERE job = ?`,
    ),
    deleteJob: run(`DELETE FROM ${jobs} WHERE job = ?`),
  };
}

function dataStatements({ many, run }: Prepare, { fields, lines }: Tables): DataStatements {
  const addLines = run(
    `INSERT INTO ${lines} (job, version, ordinal, last_n, lines) VALUES (?, ?, ?, ?, ?)`,
  );
  return {
    setField: run(
      `INSERT OR REPLACE INTO ${fields} (job, name, version, value) VALUES (?, ?, ?, ?)`,
    ),
    addLines: ({ job, version, ordinal, lastN, json }) =>
      addLines(job, version, ordinal, lastN, json),
    trimLines: run(`DELETE FROM ${lines} WHERE job = ? AND ordinal <= ?`),
    stepsOf: many(
      // "/" follows "." in ASCII, so that the primary key gives this range.
      `SELECT name, value FROM ${fields} WHERE job = ? AND name >= 'steps.' AND name < 'steps/'`,
      (row): EncodedField => [String(row.name), String(row.value)],
    ),
    deleteFields: run(`DELETE FROM ${fields} WHERE job = ?`),
    deleteLines: run(`DELETE FROM ${lines} WHERE job = ?`),
  };
}

function readStatements(
  { one, many, run }: Prepare,
  { jobs, fields, lines, meta }: Tables,
): ReadStatements {
  const changeRows = many(
    // One statement reads one consistent point, whatever other processes write meanwhile.
    `WITH head AS (
      SELECT job, epoch, version, removed_at, ended_at,
        CASE WHEN epoch = ? AND version >= ? THEN ? ELSE 0 END AS since
      FROM ${jobs} WHERE id = ?
    )
    SELECT 0 AS kind, version, epoch, removed_at, ended_at, NULL AS n, NULL AS name, NULL AS json FROM head
    UNION ALL
    SELECT 1, f.version, NULL, NULL, NULL, NULL, name, value
      FROM head CROSS JOIN ${fields} AS f WHERE f.job = head.job AND f.version > since
    UNION ALL
    SELECT 2, l.version, NULL, NULL, NULL, last_n, NULL, l.lines
      FROM head CROSS JOIN ${lines} AS l WHERE l.job = head.job AND l.version > since`,
    (row) => row,
  );
  return {
    head: one(`SELECT epoch, version, removed_at, ended_at FROM ${jobs} WHERE id = ?`, headOf),
    changes: (id, epoch, version) => storedChanges(changeRows(epoch, version, version, id)),
    lastTransaction: one(`SELECT value FROM ${meta} WHERE name = 'transactions'`, (row) =>
      Number(row.value),
    ),
    setLastTransaction: run(
      `INSERT OR REPLACE INTO ${meta} (name, value) VALUES ('transactions', ?)`,
    ),
    changedSince: many(
      `SELECT id, version, removed_at, created_in FROM ${jobs} WHERE changed_in > ?`,
      (row): ChangedJob => ({
        id: String(row.id),
        version: Number(row.version),
        removed: row.removed_at !== null,
        createdIn: Number(row.created_in),
      }),
    ),
  };
}

function sweepStatements({ one, many, run }: Prepare, { jobs }: Tables): SweepStatements {
  const timeOrNever = ({ at }: Row): number => numberOr(at, Number.POSITIVE_INFINITY);
  return {
    nextDue: one(`SELECT min(due_at) AS at FROM ${jobs} WHERE due_at IS NOT NULL`, timeOrNever),
    jobsDue: many(
      `SELECT job, id, ${JOB_COLUMNS} FROM ${jobs} WHERE due_at <= ? ORDER BY due_at LIMIT ?`,
      jobRow,
    ),
    firstRemoved: one(
      `SELECT min(removed_at) AS at FROM ${jobs} WHERE removed_at IS NOT NULL`,
      timeOrNever,
    ),
    forgetRemoved: run(
      `DELETE FROM ${jobs} WHERE job IN
        (SELECT job FROM ${jobs} WHERE removed_at <= ? ORDER BY removed_at LIMIT ?)`,
    ),
  };
}
