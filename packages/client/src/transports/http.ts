import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import { failure, failureOf, type RequestFailure, refusalOf } from "./failure.js";
import { invalidOption } from "./invalid-option.js";

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

/** How the answer to a request is read. If a reader throws, the request has failed and may be retried. */
export interface AnswerReaders<Outcome> {
  /** Reads a response with a status of 2xx. */
  readonly accepted: (response: Response) => Promise<Outcome>;
  /** Reads any other response. @defaultValue {@link refusalOf} */
  readonly refused?: (response: Response, now: number) => Promise<RequestFailure>;
}

/**
 * Sends one request. It never rejects.
 *
 * @param init - Its headers are sent in addition to those of the request.
 */
export async function sendRequest<Outcome>(
  // Taken apart, because a browser's own fetch refuses to be called as a method.
  request: HttpRequest,
  init: RequestInit & { readonly headers: Readonly<Record<string, string>> },
  { accepted, refused = refusalOf }: AnswerReaders<Outcome>,
): Promise<Outcome | RequestFailure> {
  const { fetch, url, credentials, signal, clock } = request;
  try {
    const headers = { ...(await ownHeaders(request)), ...init.headers };
    const response = await fetch(url, {
      cache: "no-store",
      ...(credentials && { credentials }),
      ...init,
      headers: new Headers(headers),
      signal,
    });
    return await (response.ok ? accepted(response) : refused(response, clock()));
  } catch (cause) {
    if (isProgressError(cause, "invalid-option")) return failureOf(cause);
    if (!isAddress(url))
      return failureOf(invalidOption("baseUrl", url, "an absolute URL where there is no page"));
    return failure(`The request to ${url} failed; see the cause.`, { cause });
  }
}

/**
 * The headers of the caller.
 *
 * @throws ProgressError `invalid-option` for headers that cannot be sent. An error of the caller's own promise is thrown
 * as it is: credentials that can't be fetched now may be fetched later.
 */
async function ownHeaders({ headers, refresh }: HttpRequest): Promise<Record<string, string>> {
  const own = await (typeof headers === "function" ? calledHeaders(headers, refresh) : headers);
  const entries =
    own instanceof Headers || Array.isArray(own) ? [...own] : Object.entries(own ?? {});
  for (const [name, value] of entries) {
    try {
      new Headers([[name as string, value as string]]);
    } catch {
      throw invalidOption(
        `headers["${name}"]`,
        value,
        "text that HTTP can send: ISO-8859-1 on one line",
      );
    }
  }
  return Object.fromEntries(new Headers(own));
}

function calledHeaders(
  headers: HeadersFactory,
  refresh: boolean,
): HeadersInit | Promise<HeadersInit> {
  try {
    return headers({ refresh });
  } catch (cause) {
    const message = 'The function in the option "headers" threw an error; see the cause.';
    throw new ProgressError("invalid-option", { message, cause });
  }
}

/** Whether a request can be sent to an address: relative ones need a page. */
export function isAddress(url: string): boolean {
  try {
    new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
    return true;
  } catch {
    return false;
  }
}
