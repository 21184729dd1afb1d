import { isProgressError, type ProgressError } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";
import { backoffDelayMs, elapsed } from "../../shared/time.js";

/** `SQLITE_BUSY` and `SQLITE_LOCKED`. Extended result codes carry one of these in their low byte. */
const LOCKED: ReadonlySet<number> = new Set([5, 6]);

/** Whether a driver's error means that another connection has locked the file. */
export function isBusy(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  // better-sqlite3 and libsql put the result's name in `code`; node:sqlite puts its number in `errcode`.
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  return (
    (typeof code === "string" && /^SQLITE_(BUSY|LOCKED)/.test(code)) ||
    (typeof errcode === "number" && LOCKED.has(errcode & 0xff))
  );
}

/** Wraps a driver's error as `store-unavailable`. Returns a ProgressError unchanged. */
export function unavailable(cause: unknown): ProgressError {
  if (isProgressError(cause)) return cause;
  return storeUnavailable(
    isBusy(cause)
      ? "Another process has locked the SQLite file for longer than busyTimeoutMs. " +
          "Keep other transactions on the file short."
      : "The SQLite database failed. See the cause, and check that the file exists, is open and has disk space.",
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
