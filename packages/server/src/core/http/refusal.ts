import type { ErrorCode, ProgressError } from "@emlinh/progress-protocol";
import { bodyAnswer } from "./answers.js";
import type { BodyAnswer } from "./types.js";

interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

const INTERNAL: Refusal = {
  status: 500,
  title: "Internal fault",
  detail: "Something went wrong on the server.",
};

/** What a client is told. The texts are ours: an error's own message is for developers, and may come from a store that isn't (P42). */
const REFUSALS: { readonly [Code in ErrorCode]?: Refusal } = {
  "invalid-request": {
    status: 400,
    title: "Malformed request",
    detail: "The request could not be understood.",
  },
  "not-authenticated": {
    status: 401,
    title: "Not authenticated",
    detail: "Credentials are missing, wrong or too old.",
  },
  forbidden: { status: 403, title: "Not allowed", detail: "This is not allowed." },
  "not-found": { status: 404, title: "Not found", detail: "There is nothing at this path." },
  "job-not-found": { status: 404, title: "Unknown job", detail: "There is no job with this id." },
  "method-not-allowed": {
    status: 405,
    title: "Wrong method",
    detail: "This path answers to other methods; see the Allow header.",
  },
  "not-acceptable": {
    status: 406,
    title: "Not acceptable",
    detail: "A job is told as text/event-stream or application/json.",
  },
  "job-finished": {
    status: 409,
    title: "The job has ended",
    detail: "The job has ended, and nothing can change it any more.",
  },
  "attempt-superseded": {
    status: 409,
    title: "A later attempt has begun",
    detail: "A later attempt at the job has begun.",
  },
  "job-expired": {
    status: 410,
    title: "The job is gone",
    detail: "The job was there, and is no longer kept.",
  },
  "too-large": { status: 413, title: "Too large", detail: "The request holds too much." },
  "too-many-streams": {
    status: 429,
    title: "Too many streams",
    detail: "Too many streams are open. Try again later.",
  },
  internal: INTERNAL,
  draining: {
    status: 503,
    title: "Shutting down",
    detail: "This server is about to stop. Try again later.",
  },
  "store-unavailable": {
    status: 503,
    title: "Store unavailable",
    detail: "Jobs can't be read at the moment. Try again later.",
  },
};

/** Whether clients may be told of an error by its own code; any other is `internal` to them. */
export function isRefusal({ code }: ProgressError): boolean {
  return REFUSALS[code] !== undefined;
}

/** What a refusal says besides its code. */
export interface RefusalDetail {
  /** In place of the code's usual text; never a foreign one. */
  readonly detail?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For 429 and 503, sent as whole seconds (P41). */
  readonly retryMs: number;
}

/** An `application/problem+json` answer (P42, P43). */
export function refusalAnswer(
  code: ErrorCode,
  { detail, headers, retryMs }: RefusalDetail,
): BodyAnswer {
  const told = REFUSALS[code] === undefined ? "internal" : code;
  const known = REFUSALS[code] ?? INTERNAL;
  const { status, title } = known;
  const comesBack = status === 429 || status === 503;
  return bodyAnswer(status, {
    type: "application/problem+json",
    headers: {
      ...headers,
      ...(comesBack && { "retry-after": String(Math.max(1, Math.ceil(retryMs / 1000))) }),
    },
    body: { type: "about:blank", title, status, detail: detail ?? known.detail, code: told },
  });
}
