import { type ErrorCode, isProgressError } from "@emlinh/progress-protocol";

/**
 * Fails the test unless the two are the same JSON; the order of an object's keys doesn't matter.
 *
 * @param what - What was compared, for the message.
 */
export function same(actual: unknown, expected: unknown, what: string): void {
  // Most of the time even the order is the same, and sorting is slow.
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  const [is, wanted] = [canonical(actual), canonical(expected)];
  if (is === wanted) return;
  // Runners that know how to show a difference read these two.
  throw Object.assign(new Error(`${what}: expected ${brief(wanted)}, got ${brief(is)}`), {
    actual,
    expected,
  });
}

/** Fails the test, saying what does not hold, unless it does. */
export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** Fails the test unless the promise is rejected with a `ProgressError` of one of the codes. */
export async function refused(
  attempt: Promise<unknown>,
  codes: ErrorCode | readonly ErrorCode[],
  what: string,
): Promise<void> {
  const allowed = typeof codes === "string" ? [codes] : codes;
  const outcome = await attempt.then(
    () => "was accepted",
    (error: unknown) => (allowed.some((code) => isProgressError(error, code)) ? undefined : error),
  );
  if (outcome === undefined) return;
  const how = outcome instanceof Error ? `was rejected with ${String(outcome)}` : String(outcome);
  throw new Error(`${what} ${how}, where a ProgressError "${allowed.join('" or "')}" is due`, {
    cause: outcome,
  });
}

function canonical(value: unknown): string {
  return JSON.stringify(value, sortKeys) ?? "undefined";
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function brief(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}… (${text.length} characters)` : text;
}
