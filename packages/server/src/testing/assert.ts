import { type ErrorCode, isProgressError } from "@emlinh/progress-protocol";

/**
 * Fails the test unless both values are the same JSON. The order of an object's keys does not matter.
 *
 * @param what - The name of the value, for the message.
 */
export function assertEqual(actual: unknown, expected: unknown, what: string): void {
  // The order is usually the same too, and sorting is slow.
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  const [got, wanted] = [canonical(actual), canonical(expected)];
  if (got === wanted) return;
  // Test runners that can show a difference read `actual` and `expected`.
  throw Object.assign(new Error(`${what}: expected ${cut(wanted)}, got ${cut(got)}`), {
    actual,
    expected,
  });
}

/** Fails the test with this message unless the condition is true. */
export function assertTrue(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/**
 * Fails the test unless the promise is rejected with a `ProgressError` of one of the codes.
 *
 * @param what - The name of the call, for the message.
 */
export async function assertRejects(
  promise: Promise<unknown>,
  codes: ErrorCode | readonly ErrorCode[],
  what: string,
): Promise<void> {
  const allowed = typeof codes === "string" ? [codes] : codes;
  const wanted = `expected a ProgressError "${allowed.join('" or "')}"`;
  const outcome = await promise.then(
    () => "resolved",
    (error: unknown) => (allowed.some((code) => isProgressError(error, code)) ? undefined : error),
  );
  if (outcome === undefined) return;
  const got = outcome instanceof Error ? `rejected with ${String(outcome)}` : String(outcome);
  throw new Error(`${what}: ${wanted}, but it ${got}`, { cause: outcome });
}

function canonical(value: unknown): string {
  return JSON.stringify(value, sortKeys) ?? "undefined";
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function cut(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}… (${text.length} characters)` : text;
}
