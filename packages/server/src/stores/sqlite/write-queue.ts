import { isProgressError, type ProgressError } from "@emlinh/progress-protocol";
import { beforeRetry, isBusy, unavailable } from "./busy.js";
import type { SqliteDatabase } from "./options.js";
import { rollBack } from "./schema.js";
import type { Statements } from "./statements.js";

/** One transaction, in which several calls may write. */
export interface Transaction {
  readonly statements: Statements;
  /** The number of this transaction among all that readers can see. */
  change(): number;
  /** Wakes a job's watchers once this is committed. */
  wakeLater(jobId: string, version?: number): void;
}

/** The one way in which this process writes: call after call, in their order. */
export interface Lane {
  /**
   * Does some work in a transaction; resolves when it is committed. What the work throws as `ProgressError`, before it wrote anything, is its answer.
   *
   * @throws ProgressError `store-unavailable`: then none of the work is done.
   */
  run<Result>(work: (transaction: Transaction) => Result): Promise<Result>;
  /** Resolves when all calls are answered. */
  idle(): Promise<void>;
}

/** What a lane needs. */
export interface LaneOptions {
  readonly database: SqliteDatabase;
  readonly busyTimeoutMs: number;
  /** The statements; makes the tables first where that is still to do. */
  ready(): Statements;
  /** Told of each commit that readers can see, before its calls are answered: its number, and whom to wake. */
  onCommit(change: number, wakes: readonly Wakeup[]): void;
}

/** A job to be woken for, and the version if that is known. */
type Wakeup = readonly [jobId: string, version: number | undefined];

interface Call {
  readonly since: number;
  readonly work: (transaction: Transaction) => unknown;
  resolve(result: unknown): void;
  reject(error: ProgressError): void;
}

/** Calls in one transaction; between two of them the event loop has its turn. */
const MAX_BATCH = 100;

/** A lane without calls. Calls that come at once share a transaction: a commit costs more than a write. */
export function createLane({ database, busyTimeoutMs, ready, onCommit }: LaneOptions): Lane {
  let queue: Call[] = [];
  let running: Promise<void> | undefined;

  async function workOff(): Promise<void> {
    // The calls that are made in this tick join the first transaction.
    await undefined;
    for (let failures = 0; queue.length > 0; ) {
      const batch = queue.slice(0, MAX_BATCH);
      const lock = tryAll(batch);
      if (lock === undefined) {
        queue.splice(0, batch.length);
        failures = 0;
        if (queue.length > 0) await new Promise(setImmediate);
      } else {
        failures += 1;
        refuseOverdue(lock);
        await beforeRetry(failures);
      }
    }
    running = undefined;
  }

  /** Answers the calls, unless the file is locked: then it gives the driver's error, and nothing has happened. */
  function tryAll(batch: readonly Call[]): unknown {
    try {
      commit(batch);
    } catch (error) {
      if (isBusy(error)) return error;
      // One call may have spoilt it for the others, by a text too long for SQLite: each for itself, then.
      if (batch.length > 1) for (const call of batch) tryAlone(call);
      else batch[0]?.reject(unavailable(error));
    }
    return undefined;
  }

  function tryAlone(call: Call): void {
    const lock = tryAll([call]);
    if (lock !== undefined) call.reject(unavailable(lock));
  }

  /** Answers no call before the commit: a refusal, too, may rest on what another call of the batch wrote. */
  function commit(batch: readonly Call[]): void {
    const statements = ready();
    const wakes: Wakeup[] = [];
    let change: number | undefined;
    const transaction: Transaction = {
      statements,
      change() {
        if (change === undefined) {
          change = (statements.changes() ?? newCount()) + 1;
          statements.setChanges(change);
        }
        return change;
      },
      wakeLater: (jobId, version) => void wakes.push([jobId, version]),
    };
    database.exec("BEGIN IMMEDIATE");
    let answers: readonly (() => void)[];
    try {
      answers = batch.map((call) => answerOf(call, transaction));
      database.exec("COMMIT");
    } catch (error) {
      rollBack(database);
      throw error;
    }
    if (change !== undefined) onCommit(change, wakes);
    for (const answer of answers) answer();
  }

  function refuseOverdue(lock: unknown): void {
    const overdue = performance.now() - busyTimeoutMs;
    for (const call of queue) if (call.since < overdue) call.reject(unavailable(lock));
    queue = queue.filter(({ since }) => since >= overdue);
  }

  return {
    run<Result>(work: (transaction: Transaction) => Result) {
      return new Promise<Result>((resolve, reject) => {
        const since = performance.now();
        queue.push({ since, work, resolve: (result) => resolve(result as Result), reject });
        // It catches what its calls throw, and hands it to them.
        running ??= workOff();
      });
    },
    async idle() {
      await running;
    },
  };
}

/** Where the count begins that a file without one gets: far from where any process saw the one that was lost. */
function newCount(): number {
  return Math.floor(Math.random() * 2 ** 48);
}

function answerOf({ work, resolve, reject }: Call, transaction: Transaction): () => void {
  try {
    const result = work(transaction);
    return () => resolve(result);
  } catch (error) {
    if (!isProgressError(error)) throw error;
    return () => reject(error);
  }
}
