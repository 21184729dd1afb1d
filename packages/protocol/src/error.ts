import type { JsonObject } from "./json.js";

/**
 * What went wrong, for callers to branch on. Never renamed; `docs/errors.md` lists each with its remedy.
 */
export type ErrorCode =
  // a request was refused
  | "invalid-request"
  | "not-authenticated"
  | "forbidden"
  | "not-found"
  | "job-not-found"
  | "job-expired"
  | "method-not-allowed"
  | "not-acceptable"
  | "too-many-streams"
  | "draining"
  | "store-unavailable"
  | "internal"
  // a write was refused
  | "invalid-change"
  | "too-large"
  | "job-finished"
  | "job-not-finished"
  | "attempt-superseded"
  | "store-full"
  // the library was called wrongly
  | "invalid-option"
  | "store-misconfigured"
  | "closed"
  // a job ended otherwise than `completed`, and someone waits for its result
  | "job-failed"
  | "job-cancelled"
  | "job-lost"
  | "job-timed-out"
  // the client couldn't go on
  | "refused"
  | "stopped";

/** What a {@link ProgressError} is made of. */
export interface ProgressErrorInit {
  /** What happened, with which value, and what to do. Shown to developers, not to users. */
  readonly message: string;
  /** Whether the same call may succeed later. @defaultValue `false` */
  readonly retryable?: boolean | undefined;
  /** The HTTP status, where one applies. */
  readonly status?: number | undefined;
  /** The values that the message speaks of. */
  readonly details?: JsonObject | undefined;
  readonly cause?: unknown;
}

const BRAND = Symbol.for("@emlinh/progress.error");

/** The one error class. Branch on `code`; test with {@link isProgressError}, since each package carries its own copy of the class. */
export class ProgressError extends Error {
  override readonly name: string = "ProgressError";
  declare readonly code: ErrorCode;
  declare readonly retryable: boolean;
  declare readonly status: number | undefined;
  declare readonly details: JsonObject;

  constructor(
    code: ErrorCode,
    { message, retryable = false, status, details = {}, cause }: ProgressErrorInit,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    Object.assign(this, { code, retryable, status, details, [BRAND]: true });
  }
}

/** Whether a value is a {@link ProgressError} of any copy of this library, and of the given code if one is given. */
export function isProgressError(value: unknown, code?: ErrorCode): value is ProgressError {
  return (
    value instanceof Error &&
    BRAND in value &&
    (code === undefined || (value as Error & { code?: unknown }).code === code)
  );
}
