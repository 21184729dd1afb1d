import { isProgressError } from "@emlinh/progress-protocol";

/** The code of the error that a call rejects with; `"none"` if it resolves. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "none",
    (error: unknown) => (isProgressError(error) ? error.code : String(error)),
  );
}

/** Waits until a condition holds. Throws after 10 s. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not true after 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
