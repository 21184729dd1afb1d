import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";

/** How a query failed. It determines whether the query is tried again. */
export type Failure =
  /** The transaction was rolled back because of concurrent ones. */
  | "rolled-back"
  /** The server starts, stops, or has no connection to spare. */
  | "not-now"
  /** The server is a standby: after a failover, the former primary. */
  | "read-only"
  /** The connection broke, and it is unknown whether the statement ran. */
  | "connection-lost"
  /** No connection could be opened. */
  | "unreachable"
  | "refused";

const FAILURES: ReadonlyMap<unknown, Failure> = new Map([
  // Serialization failure, deadlock.
  ["40001", "rolled-back"],
  ["40P01", "rolled-back"],
  ["57P03", "not-now"],
  ["53300", "not-now"],
  ["25006", "read-only"],
  ["ECONNREFUSED", "unreachable"],
  ["ENOTFOUND", "unreachable"],
  ["EAI_AGAIN", "unreachable"],
]);

/** A schema, table or function does not exist. */
const NOT_MIGRATED: ReadonlySet<unknown> = new Set(["3F000", "42P01", "42883"]);

/** How a query failed with this error. */
export function failureOf(error: unknown): Failure {
  const { code, syscall } = (error ?? {}) as {
    readonly code?: unknown;
    readonly syscall?: unknown;
  };
  const known = FAILURES.get(code);
  if (known !== undefined) return known;
  if (syscall === "connect") return "unreachable";
  // After a restart of the server, all connections that a pool holds are broken. The next try gets another one.
  return sqlStateOf(error) === undefined ? "connection-lost" : "refused";
}

/** The SQLSTATE of an error; `undefined` if the connection was lost or could not be opened. */
function sqlStateOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  // The codes of Node (ECONNRESET, EPIPE) begin with an E, and no SQLSTATE does.
  if (typeof code !== "string" || !/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)) return undefined;
  // Class 08: connection exceptions. 57P: the server ended the connection.
  return code.startsWith("08") || code.startsWith("57P") ? undefined : code;
}

/** Whether a statement was refused because a schema, table or function is missing. Nothing of it ran. */
export function isNotMigrated(error: unknown): boolean {
  return isProgressError(error) && NOT_MIGRATED.has(sqlStateOf(error.cause));
}

/** The error that a query throws. */
export function queryFailed(cause: unknown, failure: Failure): ProgressError {
  const reason = messageOf(cause);
  const state = sqlStateOf(cause);
  // Class 22: data that no column takes. Class 54: limits of the program, such as JSON nested deeper than its stack.
  if (state?.startsWith("22") || state?.startsWith("54"))
    return new ProgressError("invalid-change", {
      message: `PostgreSQL can't store this change (${reason}). Make its values smaller or less deeply nested.`,
      status: 400,
      cause,
    });
  return storeUnavailable(unavailableMessage(failure, state, reason), cause);
}

function unavailableMessage(failure: Failure, state: string | undefined, reason: string): string {
  if (NOT_MIGRATED.has(state))
    return (
      `A table or function of the PostgreSQL store is missing (${reason}). ` +
      "Call migratePostgres() with the same schema and tablePrefix first."
    );
  if (failure === "read-only")
    return (
      `The PostgreSQL server is read-only (${reason}). ` +
      "Connect the pool to the primary, by an address that leads to the new one after a failover."
    );
  if (state === "53300")
    return `PostgreSQL has no connection to spare (${reason}). Raise max_connections, or lower max of the pools.`;
  return `The query to PostgreSQL failed (${reason}). Check that the database can be reached.`;
}

/** The text of an error for a message. Some connection errors have a code and no text. */
export function messageOf(error: unknown): string {
  const { message, code } = (error ?? {}) as {
    readonly message?: unknown;
    readonly code?: unknown;
  };
  return String(message || code || error);
}
