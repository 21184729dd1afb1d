import { type JobError, NAME } from "@emlinh/progress-protocol";
import { cutText } from "../shared/limits.js";
import { checksFor } from "../shared/option-checks.js";
import { isLiteral } from "../shared/untyped.js";

/** The parts of a {@link JobFailure}. */
export interface JobFailureInit {
  /** For programs: `"speech-failed"`. Letters, digits and `-`. */
  readonly code: string;
  /** For people: everybody who watches the job sees it. */
  readonly message: string;
  readonly cause?: unknown;
}

const BRAND = Symbol.for("@emlinh/progress.job-failure");

/**
 * Thrown by the work of a job to give a reason that may be shown. Any other error is passed to `onError` only, because
 * its message may hold a path, a query or a key.
 *
 * @example
 * ```ts
 * throw new JobFailure({ code: "no-voice", message: "This voice isn't installed." });
 * ```
 */
export class JobFailure extends Error {
  override readonly name: string = "JobFailure";
  readonly code: string;

  /** @throws ProgressError `invalid-option` without a code or a message. */
  constructor(init: JobFailureInit) {
    checkInit(init);
    const { code, message, cause } = init;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

const { names, invalid } = checksFor("JobFailure", "new JobFailure({ code, message })");

function checkInit(init: unknown): asserts init is JobFailureInit {
  names(init, ["code", "message", "cause"]);
  const { code, message } = init as JobFailureInit;
  if (typeof code !== "string") throw invalid("code", code, 'a string, such as "speech-failed"');
  if (typeof message !== "string") throw invalid("message", message, "a string for people");
}

/**
 * The error that readers get. Only what was meant for them is shown: a {@link JobFailure}, or an object literal
 * `{ code, message, step? }`. Any other error is `job-failed` to them, also one of this library: its message may hold
 * the ids of other jobs, a path, a query or a key.
 */
export function jobErrorOf(error: unknown, step?: string): JobError {
  const { step: own = step, ...rest } = shownError(error) ?? GENERIC;
  return { ...rest, ...(own !== undefined && { step: own }) };
}

const GENERIC: JobError = { code: "job-failed", message: "The job failed." };

/** Whether {@link jobErrorOf} shows an error's own message. */
export function isShown(error: unknown): boolean {
  return shownError(error) !== undefined;
}

/**
 * The code and the message that were meant for readers, and nothing else: a caught error may have other members, such
 * as the request with its headers. An object that is no literal is not shown: it may be an error of another realm.
 */
function shownError(error: unknown): JobError | undefined {
  try {
    if (!isJobFailure(error) && !isLiteral(error)) return undefined;
    // Each member is read once: a getter may return another value the next time.
    const { code, message, step } = error as Partial<Record<keyof JobError, unknown>>;
    if (typeof code !== "string" || typeof message !== "string") return undefined;
    const cut = { code: code.slice(0, MAX_CODE_LENGTH), message: cutText(message) };
    if (step === undefined) return cut;
    return typeof step === "string" && NAME.test(step) ? { ...cut, step } : undefined;
  } catch {
    // A proxy or a getter threw. The error itself goes to `onError`.
    return undefined;
  }
}

const MAX_CODE_LENGTH = 64;

function isJobFailure(error: unknown): boolean {
  return error instanceof Error && BRAND in error;
}
