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
export const MAX_FLOOR_MS = 86_400_000;

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

/** The address of a request, as error messages name it. */
export interface Address {
  readonly url: string;
  /** The option that the address begins with. */
  readonly baseUrl?: string;
  /** The name of the option that has the whole address, if it is not `baseUrl`. */
  readonly option?: string | undefined;
}

/** An address for error messages: without its query, and with the option that it comes from. */
export function addressOf({ url, baseUrl, option }: Address): string {
  const address = url.replace(/\?.*/s, "");
  if (option) return `${address} (the option "${option}")`;
  const isBelowBase = baseUrl !== undefined && url.startsWith(`${baseUrl}/`);
  return isBelowBase ? `${address} (baseUrl: "${baseUrl}")` : address;
}

/**
 * A successful response that holds something else than expected: it came from something between client and server.
 *
 * @param address - Where the response came from.
 */
export function unexpected(
  expected: string,
  received: string | null | undefined,
  address?: Address,
): RequestFailure {
  const got = received?.slice(0, 80) || "nothing";
  const from = address ? ` from ${addressOf(address)}` : "";
  return failure(`Unexpected response: expected ${expected}, got ${got}${from}`, { strike: true });
}

/** The failure of a response without a successful status: final only if the server itself sent it (P45). */
export async function refusalOf(response: Response, address: Address): Promise<RequestFailure> {
  const { status, headers } = response;
  const body = parseJson(await response.text());
  const floorMs = minimumWaitMs(headers, body);
  const code = mediaTypeOf(headers) === "application/problem+json" && stringOf(body, "code", "");
  const answered = `${addressOf(address)} answered with status ${status}`;
  if (isRefusalCode(code)) {
    const detail = stringOf(body, "detail", `${answered}.`);
    return failure(detail, { code, status, floorMs, retryable: isTemporary(status) });
  }
  const remedy = "If this lasts, check that the server's handler is mounted there.";
  const message = `${answered}, but not as a progress server does. ${remedy}`;
  return failure(message, { status, floorMs });
}

/** Whether the same request may succeed later (P45). */
export function isTemporary(status: number): boolean {
  return status >= 500 || [408, 425, 429].includes(status);
}

/** The media type of a response: in lower case, and without parameters. A proxy may repeat the header. */
export function mediaTypeOf(headers: Headers): string {
  return (headers.get("content-type") ?? "")
    .replace(/[;,].*/s, "")
    .trim()
    .toLowerCase();
}

/**
 * How long a refused client has to wait, in milliseconds. A page of another origin can't read the header, so the body
 * of a problem has the wait as well (P41).
 */
export function minimumWaitMs(headers: Headers, body: unknown): number {
  const waitMs = Math.max(retryAfterMs(headers), numberOf(body, "retryAfterMs", 0));
  return Math.min(waitMs, MAX_FLOOR_MS);
}

/**
 * `Retry-After` is a number of seconds or an HTTP date. Anything else counts as 0. A date is compared with the server's
 * own `Date`, because the clock of this device may be wrong. Without a `Date` it says nothing.
 */
function retryAfterMs(headers: Headers): number {
  const value = headers.get("retry-after") ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  return Date.parse(value) - Date.parse(headers.get("date") ?? "") || 0;
}
