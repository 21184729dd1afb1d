import {
  type ErrorCode,
  isRefusalCode,
  ProgressError,
  type ProgressErrorInit,
} from "@emlinh/progress-protocol";
import { numberOf, parseJson, stringOf } from "./json.js";

/** A request that failed; no retry helps unless the error is `retryable`. */
export interface RequestFailure {
  readonly kind: "failed";
  readonly error: ProgressError;
  /** Whether the answer was silent, unreadable, or not what was asked for. */
  readonly strike: boolean;
  /** The server's minimum wait, in milliseconds. */
  readonly floorMs: number;
}

/** The longest wait that is followed: a day. */
const MAX_FLOOR_MS = 86_400_000;

/** A failure that may be retried, unless `retryable` says otherwise. */
export function failure(
  message: string,
  {
    code = "network",
    strike = false,
    floorMs = 0,
    ...init
  }: Partial<Omit<ProgressErrorInit, "message">> & {
    readonly code?: ErrorCode;
    readonly strike?: boolean;
    readonly floorMs?: number;
  } = {},
): RequestFailure {
  const error = new ProgressError(code, { retryable: true, ...init, message });
  return { ...failureOf(error), strike, floorMs };
}

/** The failure with an error. */
export function failureOf(error: ProgressError): RequestFailure {
  return { kind: "failed", error, strike: false, floorMs: 0 };
}

/** A successful response that holds something else than expected: it came from something between client and server. */
export function unexpected(expected: string, received: string | null | undefined): RequestFailure {
  const got = received?.slice(0, 80) || "nothing";
  return failure(`Unexpected response: expected ${expected}, got ${got}`, { strike: true });
}

/** The failure of a response without a successful status: final only if the server itself sent it (P45). */
export async function refusalOf(response: Response, now: number): Promise<RequestFailure> {
  const { status, url, headers } = response;
  const body = parseJson(await response.text());
  const floorMs = minimumWaitMs(headers, body, now);
  const code = mediaTypeOf(headers) === "application/problem+json" && stringOf(body, "code", "");
  if (isRefusalCode(code)) {
    const detail = stringOf(body, "detail", `${url} answered with status ${status}.`);
    return failure(detail, { code, status, floorMs, retryable: isTemporary(status) });
  }
  const message = `${url} answered with status ${status}, but not as a progress server does. If this lasts, check baseUrl.`;
  return failure(message, { status, floorMs });
}

/** Whether the same request may succeed later (P45). */
export function isTemporary(status: number): boolean {
  return status >= 500 || [408, 425, 429].includes(status);
}

/** The media type of a response: in lower case, and without parameters. */
export function mediaTypeOf(headers: Headers): string {
  return (headers.get("content-type") ?? "").replace(/;.*/s, "").trim().toLowerCase();
}

/**
 * How long a refused client has to wait, in milliseconds. A page of another origin can't read the header, so the body
 * of a problem has the wait as well (P41).
 */
export function minimumWaitMs(headers: Headers, body: unknown, now: number): number {
  return Math.min(
    Math.max(retryAfterMs(headers, now), numberOf(body, "retryAfterMs", 0)),
    MAX_FLOOR_MS,
  );
}

/**
 * `Retry-After` is a number of seconds or an HTTP date. Anything else counts as 0. A date is compared with the server's
 * own `Date`, because the clock of this device may be wrong.
 */
function retryAfterMs(headers: Headers, now: number): number {
  const value = headers.get("retry-after") ?? "";
  const seconds = Number(value);
  if (!Number.isNaN(seconds)) return seconds * 1000 || 0;
  const sentAt = Date.parse(headers.get("date") ?? "");
  return Date.parse(value) - (Number.isNaN(sentAt) ? now : sentAt) || 0;
}
