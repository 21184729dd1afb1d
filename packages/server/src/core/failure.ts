import { type JobError, NAME } from "@emlinh/progress-protocol";
import { cutText } from "../shared/limits.js";

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

/**
 * The error that readers get. Only what was meant for them is shown: a {@link JobFailure}, or a plain
 * `{ code, message, step? }`. Any other error is `job-failed` to them, also one of this library: its message may hold the
 * ids of other jobs, a path, a query or a key.
 */
export function jobErrorOf(error: unknown, step?: string): JobError {
  const shown = isJobFailure(error) || isJobError(error) ? shownError(error) : undefined;
  const { step: own = step, ...rest } = shown ?? GENERIC;
  return { ...rest, ...(own !== undefined && { step: own }) };
}

const GENERIC: JobError = { code: "job-failed", message: "The job failed." };

/** Whether {@link jobErrorOf} shows an error's own message. */
export function isShown(error: unknown): boolean {
  return isJobFailure(error) || isJobError(error);
}

/** Only the three members: a caught error may have others, such as the request with its headers. */
function shownError({ code, message, step }: JobError): JobError {
  const cut = { code: code.slice(0, MAX_CODE_LENGTH), message: cutText(message) };
  return step === undefined ? cut : { ...cut, step };
}

const MAX_CODE_LENGTH = 64;

function isJobFailure(error: unknown): error is JobFailure {
  if (!(error instanceof Error) || !(BRAND in error)) return false;
  // Untyped code may have given it anything.
  return hasErrorMembers(error);
}

/** A plain object, as `fail()` and `end()` take it. An `Error` is not one, because its message may hold anything. */
function isJobError(error: unknown): error is JobError {
  return (
    typeof error === "object" &&
    error !== null &&
    !(error instanceof Error) &&
    hasErrorMembers(error)
  );
}

function hasErrorMembers(error: object): boolean {
  const { code, message, step } = error as Partial<Record<keyof JobError, unknown>>;
  return (
    typeof code === "string" &&
    typeof message === "string" &&
    (step === undefined || (typeof step === "string" && NAME.test(step)))
  );
}
