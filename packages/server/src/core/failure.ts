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
  const { step: own = step, ...rest } = shownErrorOf(error) ?? GENERIC;
  return { ...rest, ...(own !== undefined && { step: own }) };
}

const GENERIC: JobError = { code: "job-failed", message: "The job failed." };

/** Whether {@link jobErrorOf} shows an error's own message. */
export function isShown(error: unknown): boolean {
  return shownErrorOf(error) !== undefined;
}

function shownErrorOf(error: unknown): JobError | undefined {
  try {
    return isForReaders(error) ? membersOf(error) : undefined;
  } catch {
    // A getter or a proxy of the app threw. The job ends all the same, and readers get no part of the error.
    return undefined;
  }
}

/**
 * Whether readers may see it: a {@link JobFailure}, or a plain object, as `fail()` and `end()` take it. The message of any
 * other `Error` may hold anything.
 */
function isForReaders(error: unknown): error is object {
  if (typeof error !== "object" || error === null) return false;
  return !(error instanceof Error) || BRAND in error;
}

/**
 * Only the three members: a caught error may have others, such as the request with its headers. Untyped code may have
 * given them any value; each is read once.
 */
function membersOf(error: object): JobError | undefined {
  const { code, message, step } = error as Partial<Record<keyof JobError, unknown>>;
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  const cut = { code: code.slice(0, MAX_CODE_LENGTH), message: cutText(message) };
  if (step === undefined) return cut;
  return typeof step === "string" && NAME.test(step) ? { ...cut, step } : undefined;
}

const MAX_CODE_LENGTH = 64;
