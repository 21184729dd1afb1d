import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";
import { elapsed } from "../../shared/time.js";
import type { PostgresPool } from "./client.js";

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

/**
 * The transaction was rolled back because of concurrent ones: serialization failure, deadlock. Nothing of it took
 * effect.
 */
const ROLLED_BACK: ReadonlySet<unknown> = new Set(["40001", "40P01"]);

/** A schema, table or function does not exist. */
const NOT_MIGRATED: ReadonlySet<unknown> = new Set(["3F000", "42P01", "42883"]);

/** Of transactions that conflict, one succeeds each time. Of broken connections, a pool holds ten by default. */
const MAX_TRIES = 11;

/** A query that failed after one of the pool's time limits would run into the same limit again. */
const MAX_RETRY_MS = 1_000;

/**
 * Runs a statement and returns its rows.
 *
 * A statement that was rolled back because of concurrent transactions is tried again. One whose connection was lost may
 * have run, so it is tried again only if it is repeatable: a write that ran twice would append its lines twice, and the
 * second try of an end would be refused.
 *
 * @throws ProgressError `store-unavailable`; `invalid-change` for values that PostgreSQL can't store.
 */
export async function runQuery(
  pool: PostgresPool,
  query: PostgresQuery,
): Promise<readonly unknown[]> {
  const { text, values, isRepeatable = false } = query;
  const since = elapsed();
  for (let tries = 1; ; tries += 1) {
    try {
      const { rows } = await (values.length > 0 ? pool.query(text, [...values]) : pool.query(text));
      return rows;
    } catch (error) {
      const state = sqlStateOf(error);
      const mayRetry = ROLLED_BACK.has(state) || (isRepeatable && isConnectionLost(error, state));
      if (!mayRetry || tries === MAX_TRIES || elapsed() - since > MAX_RETRY_MS)
        throw queryFailed(error, state);
    }
  }
}

/**
 * Whether an open connection was lost. The next try gets another one from the pool; after a restart of the server, all
 * that the pool holds are broken.
 */
function isConnectionLost(error: unknown, state: string | undefined): boolean {
  const { code, syscall } = (error ?? {}) as {
    readonly code?: unknown;
    readonly syscall?: unknown;
  };
  return state === undefined && syscall !== "connect" && code !== "57P03";
}

/** The SQLSTATE of an error; `undefined` if the connection was lost or could not be opened. */
function sqlStateOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  // The codes of Node (ECONNRESET, EPIPE) begin with an E, and no SQLSTATE does.
  if (typeof code !== "string" || !/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)) return undefined;
  // Class 08: connection exceptions. 57P01 to 57P03: the server shuts down or starts up.
  return code.startsWith("08") || code.startsWith("57P") ? undefined : code;
}

/** Whether a statement was refused because a schema, table or function is missing. Nothing of it ran. */
export function isNotMigrated(error: unknown): boolean {
  return isProgressError(error) && NOT_MIGRATED.has(sqlStateOf(error.cause));
}

function queryFailed(cause: unknown, state: string | undefined): ProgressError {
  const reason = messageOf(cause);
  // Class 22: data that no column takes. Class 54: limits of the program, such as JSON nested deeper than its stack.
  if (state?.startsWith("22") || state?.startsWith("54"))
    return new ProgressError("invalid-change", {
      message: `PostgreSQL can't store this change (${reason}). Make its values smaller or less deeply nested.`,
      status: 400,
      cause,
    });
  return storeUnavailable(
    NOT_MIGRATED.has(state)
      ? `A table or function of the PostgreSQL store is missing (${reason}). ` +
          "Call migratePostgres() with the same schema and tablePrefix first."
      : `The query to PostgreSQL failed (${reason}). Check that the database can be reached.`,
    cause,
  );
}

/** The text of an error for a message. Some connection errors have a code and no text. */
export function messageOf(error: unknown): string {
  const { message, code } = (error ?? {}) as {
    readonly message?: unknown;
    readonly code?: unknown;
  };
  return String(message || code || error);
}
