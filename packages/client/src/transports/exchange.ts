import { type ErrorCode, ProgressError, type ProgressErrorInit } from "@emlinh/progress-protocol";

/** Runs something in so many milliseconds, and gives a function that calls it off. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

/** Headers for each request, made anew each time. `refresh`: the server refused the last ones with a 401. */
export type HeadersFactory = (context: {
  readonly refresh: boolean;
}) => HeadersInit | Promise<HeadersInit>;

/** One request, and all that it needs from outside. */
export interface Exchange {
  readonly fetch: typeof fetch;
  readonly url: string;
  readonly headers: HeadersInit | HeadersFactory | undefined;
  readonly refresh: boolean;
  readonly credentials: RequestCredentials;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly schedule: Schedule;
}

/** The server said `bye`, or it failed: for good, unless the error is `retryable`. */
export interface Dropped {
  readonly kind: "dropped";
  readonly bye?: true;
  /** What came wasn't what was asked for, or nothing came at all. */
  readonly strike: boolean;
  /** The least to wait. */
  readonly floorMs: number;
  readonly error?: ProgressError;
}

type Init = Omit<RequestInit, "headers"> & { readonly headers: Readonly<Record<string, string>> };

/** Sends one request. It never rejects. @param read - Reads an answer that is a success. */
export async function exchange<Outcome>(
  request: Exchange,
  init: Init,
  read: (response: Response) => Promise<Outcome>,
): Promise<Outcome | Dropped> {
  try {
    const { fetch, headers, refresh, credentials, signal } = request;
    const more = typeof headers === "function" ? await headers({ refresh }) : headers;
    const response = await fetch(request.url, {
      cache: "no-store",
      credentials,
      ...init,
      headers: { ...Object.fromEntries(new Headers(more)), ...init.headers },
      signal,
    });
    return await (response.ok ? read(response) : refusalOf(response, request.clock()));
  } catch (cause) {
    return dropped("The connection failed.", false, { cause });
  }
}

/** The body as JSON; `null` if it is none. Rejects for a body that was cut: it may have been JSON, and is asked for again. */
export async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A failure: one that may be tried again, unless it is said not to be. */
export function dropped(
  message: string,
  strike = false,
  {
    code = "refused",
    floorMs = 0,
    ...init
  }: Partial<ProgressErrorInit & { code: ErrorCode | undefined; floorMs: number }> = {},
): Dropped {
  const error = new ProgressError(code, { retryable: true, ...init, message });
  return { kind: "dropped", strike, floorMs, error };
}

/** What an answer that is no success means (P45). */
async function refusalOf(response: Response, now: number): Promise<Dropped> {
  // A day is the longest that is believed.
  const MAX_RETRY_AFTER_MS = 86_400_000;
  const { status, url } = response;
  // A body that isn't a problem tells nothing more than its status.
  const problem = (await jsonOf(response)) as Problem | null;
  const after = response.headers.get("retry-after") ?? "";
  const afterMs = Number(after) * 1000 || Date.parse(after) - now || 0;
  return dropped(problem?.detail ?? `${url} answered ${status}.`, false, {
    code: problem?.code,
    status,
    retryable: /408|425|429|5../.test(`${status}`),
    floorMs: Math.max(0, Math.min(afterMs, MAX_RETRY_AFTER_MS)),
  });
}

/** The part of `application/problem+json` that is read (P42). */
interface Problem {
  readonly code?: ErrorCode;
  readonly detail?: string;
}
