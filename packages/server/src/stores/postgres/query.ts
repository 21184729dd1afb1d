import { backoffDelayMs, elapsed } from "../../shared/time.js";
import type { PostgresPool } from "./client.js";
import { type Failure, failureOf, queryFailed } from "./failures.js";

/** One statement, and whether it may run twice. */
export interface PostgresQuery {
  readonly text: string;
  readonly values: readonly (string | null)[];
  /**
   * Whether running it twice has the same effect as once. It is then tried again if its connection broke, when it is
   * unknown whether it ran.
   */
  readonly isRepeatable?: boolean;
}

/** Of transactions that conflict, one succeeds each time. Of broken connections, a pool holds ten by default. */
const MAX_TRIES = 11;

/** A query that failed after one of the pool's time limits would run into the same limit again. */
const MAX_RETRY_MS = 1_000;

/** The waits before a server that can't answer now is asked again. All of them take less than a second. */
const RETRY_RANGE = { firstMs: 20, maxMs: 100 };

/**
 * Runs a statement and returns its rows.
 *
 * A statement of which nothing took effect is tried again: one that was rolled back because of concurrent transactions,
 * or that the server refused because it starts, stops, has no connection to spare or is a standby. One whose connection
 * was lost may have run, so it is tried again only if it is repeatable.
 *
 * @throws ProgressError `store-unavailable`; `invalid-change` for values that PostgreSQL can't store.
 */
export async function runQuery(
  pool: PostgresPool,
  query: PostgresQuery,
): Promise<readonly unknown[]> {
  const { text, values } = query;
  const since = elapsed();
  for (let tries = 1; ; tries += 1) {
    try {
      const { rows } = await (values.length > 0 ? pool.query(text, [...values]) : pool.query(text));
      return rows;
    } catch (error) {
      const failure = failureOf(error);
      const mayRetry = mayTryAgain(failure, query);
      if (!mayRetry || tries === MAX_TRIES || elapsed() - since > MAX_RETRY_MS)
        throw queryFailed(error, failure);
      // A pool closes the connection of a query that failed, so the next try may reach another server.
      if (failure === "read-only" || failure === "not-now") await beforeRetry(tries);
    }
  }
}

function mayTryAgain(failure: Failure, { isRepeatable = false }: PostgresQuery): boolean {
  switch (failure) {
    case "rolled-back":
    case "not-now":
    case "read-only":
      return true;
    case "connection-lost":
      return isRepeatable;
    case "unreachable":
    case "refused":
      return false;
  }
}

function beforeRetry(failures: number): Promise<void> {
  const delayMs = backoffDelayMs(failures, RETRY_RANGE, Math.random);
  // The timer keeps the process alive, because a call waits for it. MAX_TRIES bounds the number of retries.
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
