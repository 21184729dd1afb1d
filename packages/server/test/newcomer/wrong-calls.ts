import { expect } from "vitest";
import {
  allowAnyone,
  createProgress,
  memoryStore,
  type Progress,
  type ProgressError,
} from "../../src/index.js";

/** A wrong call, the parts that its message must have (the value or its kind, and the remedy), and the call. */
export type WrongCall = readonly [
  call: string,
  parts: readonly string[],
  run: (context: Newcomer) => unknown,
];

/** A progress in memory, and the errors that it reported. */
export interface Newcomer {
  readonly progress: Progress;
  readonly errors: ProgressError[];
}

const PASSWORD = "hunter2";
export const REDIS_URL = `redis://user:${PASSWORD}@localhost:6379`;
export const POSTGRES_URL = `postgres://user:${PASSWORD}@localhost/db`;

/** An untyped function: each of these calls is wrong, and most of them do not compile. */
// biome-ignore lint/suspicious/noExplicitAny: the calls are those of untyped code.
export type Untyped = any;

/** Options of `createProgress` that are right but for the given ones. */
export function withOptions(wrong: object): unknown {
  return createProgress({
    store: memoryStore(),
    authorize: allowAnyone,
    sweepIntervalMs: false,
    ...wrong,
  } as Untyped);
}

const MAX_LENGTH = 300;

/**
 * Runs a wrong call, and checks the error that it throws, rejects with or reports: a code, one short sentence with the
 * given parts and a link, and neither source text nor a password.
 */
export async function expectClearError([, parts, run]: WrongCall): Promise<void> {
  const errors: ProgressError[] = [];
  const onError = (error: ProgressError) => void errors.push(error);
  const progress = withOptions({ onError }) as Progress;
  const thrown: unknown = await Promise.resolve()
    .then(() => run({ progress, errors }))
    .then(
      () => errors[0],
      (error: unknown) => error,
    );
  await progress.close();
  expect(thrown).toMatchObject({ name: "ProgressError" });
  const { code, message, details } = thrown as ProgressError;
  expect(["invalid-option", "invalid-change"]).toContain(code);
  for (const part of parts) expect(message).toContain(part);
  expect(message.endsWith(` See docs/errors.md#${code}.`)).toBe(true);
  expect(message.length).toBeLessThan(MAX_LENGTH);
  // One sentence, or a fault and its remedy; no dump of source and no lines of a stack.
  const text = message.slice(0, message.indexOf(" See docs/"));
  expect(text).not.toMatch(/\n|\[object|return |const /);
  expect(text.match(/[.?](?= |$)/g)?.length).toBeLessThanOrEqual(2);
  expect(JSON.stringify([message, details])).not.toContain(PASSWORD);
}
