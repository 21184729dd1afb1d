import { isProgressError, type ProgressError } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";

/** SQLite's result codes for "another one has locked it", without the bits that say more. */
const LOCKED: ReadonlySet<number> = new Set([5, 6]);

/** Whether a driver's error says that another connection has locked the file. */
export function isBusy(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  // better-sqlite3 and libsql name the result in `code`; node:sqlite gives its number in `errcode`.
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  return (
    (typeof code === "string" && /^SQLITE_(BUSY|LOCKED)/.test(code)) ||
    (typeof errcode === "number" && LOCKED.has(errcode & 0xff))
  );
}

/** What a driver throws, by our name. */
export function unavailable(cause: unknown): ProgressError {
  if (isProgressError(cause)) return cause;
  return storeUnavailable(
    isBusy(cause)
      ? "Another process has locked the SQLite file for longer than busyTimeoutMs. Keep other transactions on the file short."
      : "The SQLite database failed. See the cause, and check that the file exists, is open and has disk space.",
    cause,
  );
}

/** Waits before the next try at a locked file, some 1 to 30 ms: longer after each failure, and never in step with another process. */
export function beforeRetry(failures: number): Promise<void> {
  const mostMs = Math.min(30, 2 ** failures);
  // Keeps the process alive: a call waits for it, and not for ever.
  return new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * mostMs));
}

/**
 * Tries until it isn't the lock of another process that is in the way.
 *
 * @throws ProgressError `store-unavailable` after `busyTimeoutMs`, or for any other error.
 */
export async function whenFree<Result>(
  attempt: () => Result,
  busyTimeoutMs: number,
): Promise<Result> {
  const until = performance.now() + busyTimeoutMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw unavailable(error);
    }
    await beforeRetry(failures);
  }
}
