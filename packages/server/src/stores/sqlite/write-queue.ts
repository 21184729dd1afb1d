import { isProgressError, type ProgressError } from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import { beforeRetry, isBusy, unavailable } from "./busy.js";
import type { SqliteDatabase } from "./options.js";
import type { Statements } from "./statements.js";
import { runTransaction, type Transaction, type WakeUps } from "./transaction.js";

/** Runs the writes of this process one after the other, in the order of the calls. */
export interface WriteQueue {
  /**
   * Runs `work` in a transaction and resolves with its result after the commit. A `ProgressError` that `work` throws
   * before it wrote anything rejects this call only.
   *
   * @throws ProgressError `store-unavailable` if the file stays locked or the database fails. Then nothing of `work`
   * was written.
   */
  run<Result>(work: (transaction: Transaction) => Result): Promise<Result>;
  /** Resolves when every call was answered. */
  idle(): Promise<void>;
}

/** The dependencies of a write queue. */
export interface WriteQueueOptions {
  readonly database: SqliteDatabase;
  readonly busyTimeoutMs: number;
  /** Returns the statements, and creates the tables first if that is still to do. */
  statements(): Statements;
  /** Called after each commit that readers can see, before its calls are answered. */
  onCommit(number: number, wakeUps: WakeUps): void;
}

interface Call {
  /** When it was made, on the monotonic clock. */
  readonly since: number;
  readonly work: (transaction: Transaction) => unknown;
  resolve(result: unknown): void;
  reject(error: ProgressError): void;
}

/** Calls in one transaction. The event loop gets a turn between two transactions. */
const MAX_BATCH = 100;

/**
 * Makes an empty queue. Calls that wait at the same time share a transaction, because a commit costs more than a write.
 */
export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const { busyTimeoutMs } = options;
  let queue: Call[] = [];
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    // Calls that are made in this tick join the first transaction.
    await undefined;
    for (let failures = 0; queue.length > 0; ) {
      const batch = queue.slice(0, MAX_BATCH);
      const lock = tryAll(batch, options);
      if (lock === undefined) {
        queue.splice(0, batch.length);
        failures = 0;
        if (queue.length > 0) await new Promise(setImmediate);
      } else {
        failures += 1;
        rejectOverdue(lock);
        await beforeRetry(failures);
      }
    }
    running = undefined;
  }

  function rejectOverdue(lock: unknown): void {
    const overdue = elapsed() - busyTimeoutMs;
    for (const call of queue) if (call.since < overdue) call.reject(unavailable(lock));
    queue = queue.filter(({ since }) => since >= overdue);
  }

  return {
    run<Result>(work: (transaction: Transaction) => Result) {
      return new Promise<Result>((resolve, reject) => {
        const since = elapsed();
        queue.push({ since, work, resolve: (result) => resolve(result as Result), reject });
        // `drain` never rejects: it passes each error to the call that caused it.
        running ??= drain();
      });
    },
    async idle() {
      await running;
    },
  };
}

/** Answers the calls. If the file is locked it returns the driver's error instead, and nothing was written. */
function tryAll(batch: readonly Call[], options: WriteQueueOptions): unknown {
  try {
    commit(batch, options);
  } catch (error) {
    if (isBusy(error)) return error;
    // One call may have failed the whole transaction, for example with a text that is too long for SQLite. Try each
    // alone.
    if (batch.length > 1) for (const call of batch) tryAlone(call, options);
    else batch[0]?.reject(unavailable(error));
  }
  return undefined;
}

function tryAlone(call: Call, options: WriteQueueOptions): void {
  const lock = tryAll([call], options);
  if (lock !== undefined) call.reject(unavailable(lock));
}

/** Answers no call before the commit: a refusal, too, may depend on what another call of the batch wrote. */
function commit(
  batch: readonly Call[],
  { database, statements, onCommit }: WriteQueueOptions,
): void {
  const { result, number, wakeUps } = runTransaction(database, statements(), (transaction) =>
    batch.map((call) => answerTo(call, transaction)),
  );
  if (number !== undefined) onCommit(number, wakeUps);
  for (const answer of result) answer();
}

function answerTo({ work, resolve, reject }: Call, transaction: Transaction): () => void {
  try {
    const result = work(transaction);
    return () => resolve(result);
  } catch (error) {
    if (!isProgressError(error)) throw error;
    return () => reject(error);
  }
}
