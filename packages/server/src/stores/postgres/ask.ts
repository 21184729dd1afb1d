import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";
import type { PostgresPool } from "./client.js";

/** One statement, and whether it may run twice. */
export interface PostgresQuestion {
  readonly text: string;
  readonly values: readonly (string | null)[];
  /** Whether running it twice does the same as once: then it is tried again when its connection broke, and nobody knows whether it ran. */
  readonly repeatable?: boolean;
}

/** The transaction was rolled back, wholly and for sure, because of others: serialization failure, deadlock. */
const ROLLED_BACK: ReadonlySet<unknown> = new Set(["40001", "40P01"]);

/** Schema, table or function that isn't there. */
const NOT_MIGRATED: ReadonlySet<unknown> = new Set(["3F000", "42P01", "42883"]);

/** Of those who get into each other's way one gets through each time; of broken connections a pool holds ten, unless it is told otherwise. */
const MAX_TRIES = 11;

/** What failed by a time limit of the pool's would fail by it once more. */
const MAX_RETRY_MS = 1_000;

/**
 * Runs a statement, and gives the rows.
 *
 * What was rolled back because of others is tried again. What may have run, since only the connection was lost, is not, unless it is repeatable: a write
 * that ran twice would append its lines twice, and an end would find itself refused.
 *
 * @throws ProgressError `store-unavailable`; `invalid-change` for what PostgreSQL can't hold.
 */
export async function askPostgres(
  pool: PostgresPool,
  question: PostgresQuestion,
): Promise<readonly unknown[]> {
  const { text, values, repeatable = false } = question;
  const begun = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      const { rows } = await (values.length > 0 ? pool.query(text, [...values]) : pool.query(text));
      return rows;
    } catch (error) {
      const state = stateOf(error);
      const again = ROLLED_BACK.has(state) || (repeatable && isCut(error, state));
      const late = tries === MAX_TRIES || performance.now() - begun > MAX_RETRY_MS;
      if (!again || late) throw refusalOf(error, state);
    }
  }
}

/** Whether a connection broke that was there. The pool gives another one; after a restart each of those that it holds is broken. */
function isCut(error: unknown, state: string | undefined): boolean {
  const { code, syscall } = (error ?? {}) as {
    readonly code?: unknown;
    readonly syscall?: unknown;
  };
  return state === undefined && syscall !== "connect" && code !== "57P03";
}

/** The SQLSTATE of an error; `undefined` if the connection was lost, or none was to be had. */
function stateOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  // Node's own codes begin with an E (ECONNRESET, EPIPE), as no SQLSTATE does. 57P01 to 57P03: the server goes down, or comes up.
  if (typeof code !== "string" || !/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)) return undefined;
  return code.startsWith("08") || code.startsWith("57P") ? undefined : code;
}

/** Whether a statement was refused because a schema, table or function is missing: then nothing of it ran. */
export function isNotMigrated(error: unknown): boolean {
  return isProgressError(error) && NOT_MIGRATED.has(stateOf(error.cause));
}

function refusalOf(cause: unknown, state: string | undefined): ProgressError {
  // Data that no column takes, and the limits of the program, such as JSON nested deeper than its stack.
  if (state?.startsWith("22") || state?.startsWith("54"))
    return new ProgressError("invalid-change", {
      message: `PostgreSQL can't hold this change (${messageOf(cause)}): make its values smaller, or less deep.`,
      status: 400,
      cause,
    });
  return unavailable(
    NOT_MIGRATED.has(state)
      ? `A table or function of the store is missing (${messageOf(cause)}): run migratePostgres() with the same schema and tablePrefix first.`
      : `PostgreSQL could not be asked (${messageOf(cause)}): see whether it can be reached.`,
    cause,
  );
}

/** The error for a database that doesn't answer. */
export function unavailable(message: string, cause: unknown): ProgressError {
  return storeUnavailable(message, cause);
}

/** What an error says of itself, for a message; some of a connection's have no text but a code. */
export function messageOf(error: unknown): string {
  const { message, code } = (error ?? {}) as {
    readonly message?: unknown;
    readonly code?: unknown;
  };
  return String(message || code || error);
}
