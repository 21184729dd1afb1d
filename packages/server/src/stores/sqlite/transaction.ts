import type { SqliteDatabase } from "./options.js";
import type { Statements } from "./statements.js";

/** One transaction, in which several calls may write. */
export interface Transaction {
  readonly statements: Statements;
  /**
   * The number of this transaction. Only transactions whose changes readers can see have one. It rises by one each
   * time; SQLite has one writer at a time, so transactions are committed in the order of their numbers.
   */
  number(): number;
  /** Wakes a job's watchers after the commit. */
  wakeLater(jobId: string, version?: number): void;
}

/** A job whose watchers are to be woken, and the version that was written, if readers may rely on it. */
export type WakeUp = readonly [jobId: string, version: number | undefined];

/** A transaction that was committed. */
export interface Committed<Result> {
  readonly result: Result;
  /** `undefined` if readers can see nothing of it. */
  readonly number: number | undefined;
  readonly wakeUps: readonly WakeUp[];
}

/**
 * Runs `work` in one transaction. If it throws, nothing is written.
 *
 * @throws what `work` threw, or the driver's error.
 */
export function runTransaction<Result>(
  database: SqliteDatabase,
  statements: Statements,
  work: (transaction: Transaction) => Result,
): Committed<Result> {
  const wakeUps: WakeUp[] = [];
  let number: number | undefined;
  const transaction: Transaction = {
    statements,
    number() {
      if (number === undefined) {
        number = (statements.lastTransaction() ?? firstNumber()) + 1;
        statements.setLastTransaction(number);
      }
      return number;
    },
    wakeLater: (jobId, version) => void wakeUps.push([jobId, version]),
  };
  const result = exclusively(database, () => work(transaction));
  return { result, number, wakeUps };
}

/** Runs `task` while it holds the file's write lock, then commits; rolls back if `task` or the commit throws. */
export function exclusively<Result>(database: SqliteDatabase, task: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = task();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite has already rolled back, as it does when the disk is full. The caller throws the error that came before.
  }
}

/**
 * The number at which a file without one begins to count. It is random and large, so that it differs from every number
 * that another process saw in the file before its data were lost.
 */
function firstNumber(): number {
  return Math.floor(Math.random() * 2 ** 48);
}
