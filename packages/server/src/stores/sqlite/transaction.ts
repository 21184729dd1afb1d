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
  /** Notes that a job joined or left the list of a subject, whose watchers are woken after the commit. */
  changeList(subject: string): void;
}

/** The watchers to wake. */
export interface WakeUps {
  /** Jobs, with the version that was written, if readers may rely on it. */
  readonly jobs: readonly (readonly [jobId: string, version: number | undefined])[];
  /** Subjects. */
  readonly lists: ReadonlySet<string>;
}

/** Transactions whose changes of lists are kept. A process that missed more than these wakes all its watchers. */
export const MAX_MISSED = 10_000;

/** A transaction that was committed. */
export interface Committed<Result> {
  readonly result: Result;
  /** `undefined` if readers can see nothing of it. */
  readonly number: number | undefined;
  readonly wakeUps: WakeUps;
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
  const jobs: [jobId: string, version: number | undefined][] = [];
  const lists = new Set<string>();
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
    wakeLater: (jobId, version) => void jobs.push([jobId, version]),
    changeList(subject) {
      if (lists.size === 0) statements.forgetListChanges(transaction.number() - MAX_MISSED);
      if (!lists.has(subject)) statements.addListChange(transaction.number(), subject);
      lists.add(subject);
    },
  };
  const result = exclusively(database, () => work(transaction));
  return { result, number, wakeUps: { jobs, lists } };
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
