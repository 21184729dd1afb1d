import { type ErrorCode, ProgressError, type ProgressErrorInit } from "@emlinh/progress-protocol";
import { numberOf, parseJson, stringOf } from "./json.js";

/** Runs a function after a delay in milliseconds. Returns a function that cancels it. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

/**
 * Returns the headers of one request. It is called for each request. `refresh`: the server refused the last headers
 * with a 401.
 */
export type HeadersFactory = (context: {
  readonly refresh: boolean;
}) => HeadersInit | Promise<HeadersInit>;

/** The settings of a client that every request shares. */
export interface HttpSettings {
  readonly fetch: typeof fetch;
  readonly headers?: HeadersInit | HeadersFactory;
  readonly credentials?: RequestCredentials;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly schedule: Schedule;
}

/** One request. */
export interface HttpRequest extends HttpSettings {
  readonly url: string;
  /** Whether the headers must be fresh, because the server refused the last ones. */
  readonly refresh: boolean;
  readonly signal: AbortSignal;
}

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

/**
 * Sends one request. It never rejects.
 *
 * @param init - Its headers are sent in addition to those of the request.
 * @param read - Reads a successful response. If it throws, the request has failed and may be retried.
 */
export async function sendRequest<Outcome>(
  // Taken apart, because a browser's own fetch refuses to be called as a method.
  { fetch, url, headers, credentials, refresh, signal, clock }: HttpRequest,
  init: RequestInit & { readonly headers: Readonly<Record<string, string>> },
  read: (response: Response) => Promise<Outcome>,
): Promise<Outcome | RequestFailure> {
  try {
    const own = typeof headers === "function" ? await headers({ refresh }) : headers;
    const response = await fetch(url, {
      cache: "no-store",
      ...(credentials && { credentials }),
      ...init,
      headers: { ...Object.fromEntries(new Headers(own)), ...init.headers },
      signal,
    });
    if (!response.ok) return await refusalOf(response, clock());
    return await read(response);
  } catch (cause) {
    return failure("The request failed; see the cause.", { cause });
  }
}

/** A failure that may be retried, unless `retryable` says otherwise. */
export function failure(
  message: string,
  {
    code = "refused",
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
  return { kind: "failed", error, strike, floorMs };
}

/** A successful response that holds something else than expected: it came from something between client and server. */
export function unexpected(expected: string, received: string | null | undefined): RequestFailure {
  const got = received?.slice(0, 80) ?? "nothing";
  return failure(`Unexpected response: expected ${expected}, got ${got}`, { strike: true });
}

/** The failure of a response without a successful status (P45). */
async function refusalOf(response: Response, now: number): Promise<RequestFailure> {
  const { status, url } = response;
  // The body is a problem only if it is JSON with these members (P42). Otherwise the status is all there is.
  const problem = parseJson(await response.text());
  // A newer server may send a code that this version does not list.
  const code = stringOf(problem, "code", "refused") as ErrorCode;
  return failure(stringOf(problem, "detail", `${url} answered with status ${status}.`), {
    code,
    status,
    retryable: status >= 500 || [408, 425, 429].includes(status),
    // A page of another origin can't read the header, so the body of a problem has the wait as well (P41).
    floorMs: Math.min(
      Math.max(retryAfterMs(response.headers, now), numberOf(problem, "retryAfterMs", 0)),
      MAX_FLOOR_MS,
    ),
  });
}

/** `Retry-After` is a number of seconds or an HTTP date. Anything else counts as 0. */
function retryAfterMs(headers: Headers, now: number): number {
  const value = headers.get("retry-after") ?? "";
  const seconds = Number(value);
  return (Number.isNaN(seconds) ? Date.parse(value) - now : seconds * 1000) || 0;
}
