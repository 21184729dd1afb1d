import { isProgressError, type ProgressError } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";
import { backoffDelayMs, elapsed } from "../../shared/time.js";

/** Results of SQLite that name their remedy. An extended result code carries the primary one in its low byte. */
const FAILURES: readonly {
  readonly names: RegExp;
  readonly codes: readonly number[];
  readonly message: string;
}[] = [
  {
    names: /^SQLITE_(BUSY|LOCKED|PROTOCOL)/,
    codes: [5, 6, 15],
    message:
      "Another process has locked the SQLite file for longer than busyTimeoutMs. " +
      "Keep other transactions on the file short.",
  },
  {
    names: /^SQLITE_READONLY_DBMOVED/,
    codes: [1032],
    message:
      "The SQLite file was moved, replaced or deleted while it was open. " +
      "Open the database again and pass it to a new store, for example by a restart of the process.",
  },
  {
    names: /^SQLITE_READONLY/,
    codes: [8],
    message:
      "The SQLite file can't be written to. " +
      "Check that the process may write to the file and its folder, and that it was not opened as read-only.",
  },
  {
    names: /^SQLITE_FULL/,
    codes: [13],
    message: "The disk of the SQLite file is full, or max_page_count is reached. Make space.",
  },
  {
    names: /^SQLITE_(CORRUPT|NOTADB)/,
    codes: [11, 26],
    message: "The SQLite file is damaged, or is no database. Restore it from a backup.",
  },
];

const [LOCKED] = FAILURES;

/** Whether a driver's error means that another connection has locked the file. */
export function isBusy(error: unknown): boolean {
  return failureOf(error) === LOCKED;
}

function failureOf(error: unknown): (typeof FAILURES)[number] | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  // better-sqlite3 and libsql put the result's name in `code`; node:sqlite puts its number in `errcode`.
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof errcode === "number")
    return FAILURES.find(({ codes }) => codes.includes(errcode) || codes.includes(errcode & 0xff));
  return typeof code === "string" ? FAILURES.find(({ names }) => names.test(code)) : undefined;
}

/** Wraps a driver's error as `store-unavailable`. Returns a ProgressError unchanged. */
export function unavailable(cause: unknown): ProgressError {
  if (isProgressError(cause)) return cause;
  return storeUnavailable(
    failureOf(cause)?.message ??
      "The SQLite database failed. See the cause, and check that the file exists, is open and has disk space.",
    cause,
  );
}

/** The waits between tries at a locked file. A lock is held for a few milliseconds. */
const RETRY_RANGE = { firstMs: 2, maxMs: 30 };

/** Waits before the next try at a locked file. */
export function beforeRetry(failures: number): Promise<void> {
  const delayMs = backoffDelayMs(failures, RETRY_RANGE, Math.random);
  // The timer keeps the process alive, because a call waits for it. busyTimeoutMs bounds the number of retries.
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/**
 * Runs `attempt` again while another process has locked the file.
 *
 * @throws ProgressError `store-unavailable` after `busyTimeoutMs`, and at once for any other error.
 */
export async function whenFree<Result>(
  attempt: () => Result,
  busyTimeoutMs: number,
): Promise<Result> {
  const until = elapsed() + busyTimeoutMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || elapsed() > until) throw unavailable(error);
    }
    await beforeRetry(failures);
  }
}
