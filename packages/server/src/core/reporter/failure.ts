import { isProgressError, type JobError } from "@emlinh/progress-protocol";

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

  constructor({ code, message, cause }: JobFailureInit) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Whether the message of an error is meant to be shown. */
export function isShowable(error: unknown): error is Error & { readonly code: string } {
  return isProgressError(error) || (error instanceof Error && BRAND in error);
}

/** The error that readers get. */
export function jobErrorOf(error: unknown, step?: string): JobError {
  const at = step === undefined ? {} : { step };
  if (isShowable(error)) return { code: error.code, message: error.message, ...at };
  if (isJobError(error)) {
    const { code, message, step: own = step } = error;
    return { code, message, ...(own !== undefined && { step: own }) };
  }
  return { code: "job-failed", message: "The job failed.", ...at };
}

/**
 * Whether a value is a plain `{ code, message }`, as `fail()` takes it. An `Error` is not, because its message may hold
 * anything.
 */
export function isJobError(error: unknown): error is JobError {
  if (typeof error !== "object" || error === null || error instanceof Error) return false;
  const { code, message, step } = error as Partial<Record<keyof JobError, unknown>>;
  return (
    typeof code === "string" &&
    typeof message === "string" &&
    (step === undefined || typeof step === "string")
  );
}
