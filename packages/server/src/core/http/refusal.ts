import {
  type ErrorCode,
  isRefusalCode,
  type ProgressError,
  type RefusalCode,
} from "@emlinh/progress-protocol";
import { isAboutRequest } from "../request-fault.js";
import { bodyAnswer } from "./answers.js";
import type { BodyAnswer } from "./types.js";

interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

/**
 * The texts that clients get, by code. They are fixed: an error's own message is for developers, and may hold text of a
 * foreign store (P42).
 */
const REFUSALS: { readonly [Code in RefusalCode]: Refusal } = {
  "invalid-request": {
    status: 400,
    title: "Malformed request",
    detail: "The request is malformed.",
  },
  "not-authenticated": {
    status: 401,
    title: "Not authenticated",
    detail: "Credentials are missing, invalid or expired.",
  },
  forbidden: { status: 403, title: "Not allowed", detail: "The request is not allowed." },
  "cross-site": {
    status: 403,
    title: "Request from another site",
    detail:
      "A page of another origin sent the request. The server accepts it only from its own and trusted origins.",
  },
  "not-found": { status: 404, title: "Not found", detail: "Nothing is served at this path." },
  "job-not-found": { status: 404, title: "Unknown job", detail: "There is no job with this id." },
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
    detail: "This path accepts other methods; see the Allow header.",
  },
  "not-acceptable": {
    status: 406,
    title: "Not acceptable",
    detail: "A job is served as text/event-stream or application/json.",
  },
  "request-timed-out": {
    status: 408,
    title: "The request took too long",
    detail: "The body of the request did not arrive in time. Try again.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "Unsupported media type",
    detail: "A report is sent with Content-Type: application/json.",
  },
  "invalid-change": {
    status: 400,
    title: "Invalid report",
    detail: "A value of the report can't be stored.",
  },
  "job-finished": {
    status: 409,
    title: "The job has ended",
    detail: "The job has ended and can't be changed any more.",
  },
  "job-not-finished": {
    status: 409,
    title: "The job has not ended",
    detail: "The job has not ended yet. Cancel it, or wait for its end.",
  },
  "attempt-superseded": {
    status: 409,
    title: "A later attempt has begun",
    detail: "A later attempt of the job has begun.",
  },
  "job-held": {
    status: 409,
    title: "Another worker holds the job",
    detail: "Another worker holds the job.",
  },
  "hold-lost": {
    status: 409,
    title: "Another worker took the job over",
    detail: "Another worker took the job over.",
  },
  "job-expired": {
    status: 410,
    title: "The job was removed",
    detail: "The job existed and is no longer kept.",
  },
  "too-large": { status: 413, title: "Too large", detail: "The request is too large." },
  "too-many-streams": {
    status: 429,
    title: "Too many streams",
    detail: "Too many streams are open. Try again later.",
  },
  "too-many-targets": {
    status: 400,
    title: "Too many jobs",
    detail: "The request names too many jobs or subjects. Send several requests.",
  },
  "url-too-long": {
    status: 414,
    title: "URL too long",
    detail: "The query is too long. Leave out the cursors of ended jobs, or send several requests.",
  },
  "too-many-reports": {
    status: 429,
    title: "Too many reports",
    detail: "The job takes fewer reports per second. Merge them, and send this one again later.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    detail: "The server failed to answer the request.",
  },
  draining: {
    status: 503,
    title: "Shutting down",
    detail: "This server is shutting down. Try again later.",
  },
  "authorize-timed-out": {
    status: 503,
    title: "Authorization timed out",
    detail: "The app did not decide about the request in time. Try again later.",
  },
  "store-unavailable": {
    status: 503,
    title: "Store unavailable",
    detail: "The job store can't be reached. Try again later.",
  },
};

/**
 * Whether clients get the error's own code. Any other error is `internal` to them; so is a change that is invalid
 * without a fault of the request.
 */
export function isRefusal(error: ProgressError): boolean {
  const { code } = error;
  return isRefusalCode(code) && (code !== "invalid-change" || isAboutRequest(error));
}

/** The message of an error about the request alone, in printable ASCII (P42); `undefined` for any other error. */
export function detailOf(error: ProgressError): string | undefined {
  return isAboutRequest(error) ? error.message.replace(/[^ -~]/g, "?") : undefined;
}

/** Parts of a refusal besides its code. */
export interface RefusalDetail {
  /** Replaces the fixed text of the code. Never foreign text. */
  readonly detail?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For 429 and 503: sent as it is in the body, and as whole seconds in a header (P41). */
  readonly retryMs: number;
}

/** The answer to a request that was refused. */
export interface RefusalAnswer extends BodyAnswer {
  /** The code that was sent. */
  readonly code: RefusalCode;
}

/** An `application/problem+json` answer (P42, P43). */
export function refusalAnswer(
  code: ErrorCode,
  { detail, headers, retryMs }: RefusalDetail,
): RefusalAnswer {
  const sent = isRefusalCode(code) ? code : "internal";
  const { status, title, detail: text } = REFUSALS[sent];
  const problem = {
    type: "about:blank",
    title,
    status,
    detail: detail ?? text,
    code: sent,
  };
  const isTemporary = status === 429 || status === 503;
  const retryAfterMs = Math.max(1, Math.ceil(retryMs));
  const answer = bodyAnswer(status, {
    type: "application/problem+json",
    headers: {
      ...headers,
      ...(isTemporary && { "retry-after": String(Math.ceil(retryAfterMs / 1000)) }),
    },
    body: isTemporary ? { ...problem, retryAfterMs } : problem,
  });
  return { ...answer, code: sent };
}
