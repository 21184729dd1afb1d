import type { JsonObject } from "./json.js";

/**
 * The code of an error, for callers to branch on. Codes are never renamed; `docs/errors.md` lists each with its remedy.
 */
export type ErrorCode =
  // a request was refused
  | "invalid-request"
  | "not-authenticated"
  | "forbidden"
  | "cross-site"
  | "authorize-timed-out"
  | "not-found"
  | "job-not-found"
  | "job-expired"
  | "method-not-allowed"
  | "not-acceptable"
  | "request-timed-out"
  | "unsupported-media-type"
  | "too-many-streams"
  | "too-many-targets"
  | "url-too-long"
  | "too-many-reports"
  | "draining"
  | "store-unavailable"
  | "internal"
  // a write was refused
  | "invalid-change"
  | "too-large"
  | "job-finished"
  | "job-not-finished"
  | "attempt-superseded"
  | "job-held"
  | "hold-lost"
  | "store-full"
  // the library was used incorrectly
  | "invalid-option"
  | "store-misconfigured"
  | "closed"
  // a caller waits for the result of a job that did not complete
  | "job-failed"
  | "job-cancelled"
  | "job-lost"
  | "job-timed-out"
  // the client could not go on
  | "network"
  | "refused"
  | "stopped";

/** The codes of the refusals that a server sends (P42). A reader takes no refusal with another code as final (P45). */
const REFUSAL_CODES = [
  "invalid-request",
  "not-authenticated",
  "forbidden",
  "cross-site",
  "authorize-timed-out",
  "not-found",
  "job-not-found",
  "job-expired",
  "method-not-allowed",
  "not-acceptable",
  "request-timed-out",
  "unsupported-media-type",
  "invalid-change",
  "too-large",
  "too-many-streams",
  "too-many-targets",
  "url-too-long",
  "too-many-reports",
  "draining",
  "store-unavailable",
  "internal",
  "job-finished",
  "job-not-finished",
  "attempt-superseded",
  "job-held",
  "hold-lost",
] as const;

/** A code that a server refuses requests with. */
export type RefusalCode = (typeof REFUSAL_CODES)[number] & ErrorCode;

/** Whether a value is the code of a refusal of a server. */
export function isRefusalCode(code: unknown): code is RefusalCode {
  return (REFUSAL_CODES as readonly unknown[]).includes(code);
}

/** The parts of a {@link ProgressError}. */
export interface ProgressErrorInit {
  /**
   * The fault, its value, and the remedy. For developers, not for users. If the code is that of a wrong call, the place
   * in the documents is added.
   */
  readonly message: string;
  /** Whether the same call can succeed later. @defaultValue `false` */
  readonly retryable?: boolean | undefined;
  /** The HTTP status, if one applies. */
  readonly status?: number | undefined;
  /** The values in the message. */
  readonly details?: JsonObject | undefined;
  readonly cause?: unknown;
}

const BRAND = Symbol.for("@emlinh/progress.error");

/**
 * The only error class of this library. Branch on `code`, and test with {@link isProgressError}: each package has its
 * own copy of the class, so `instanceof` is not enough.
 */
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
    super(withPlace(code, message), cause === undefined ? undefined : { cause });
    Object.assign(this, { code, retryable, status, details, [BRAND]: true });
  }
}

/** Adds the place of the remedy to the message of a wrong call, once. Such a message quotes values of the caller. */
function withPlace(code: ErrorCode, message: string): string {
  if (code !== "invalid-option" && code !== "invalid-change") return message;
  const place = ` See docs/errors.md#${code}.`;
  return withoutPasswords(message.replace(place, "")) + place;
}

/**
 * A text of the caller without the passwords in its URLs and connection strings, for messages. It takes time in
 * proportion to the length, so a hostile text does no harm.
 */
export function withoutPasswords(text: string): string {
  return text
    .replace(/\S+/g, withoutUser)
    .replace(/\b(password|passwd|pwd|secret|token)=[^\s&;]*/gi, "$1=…");
}

/** Replaces the text from the first "://" of a word to the last "@" behind it. */
function withoutUser(word: string): string {
  const start = word.indexOf("://") + 3;
  const end = word.lastIndexOf("@");
  return start < 3 || end < start ? word : `${word.slice(0, start)}…${word.slice(end)}`;
}

/** Whether a value is a {@link ProgressError} of any copy of this library, and has the given code if one is given. */
export function isProgressError(value: unknown, code?: ErrorCode): value is ProgressError {
  try {
    return (
      value instanceof Error &&
      BRAND in value &&
      (code === undefined || (value as Error & { code?: unknown }).code === code)
    );
  } catch {
    // Code of the app may throw anything, also a proxy that can't be looked at.
    return false;
  }
}
