import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import {
  type Address,
  addressOf,
  failure,
  failureOf,
  type RequestFailure,
  refusalOf,
} from "./failure.js";
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

/**
 * Sends a request. Its type is not `typeof fetch`, because that has more members in some runtimes, such as `preconnect`
 * in Bun.
 */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** The settings of a client that every request shares. */
export interface HttpSettings {
  readonly fetch: FetchFunction;
  readonly headers?: HeadersInit | HeadersFactory;
  readonly credentials?: RequestCredentials;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly schedule: Schedule;
}

/** One request. */
export interface HttpRequest extends HttpSettings, Address {
  /** Whether the headers must be fresh, because the server refused the last ones. */
  readonly refresh: boolean;
  readonly signal: AbortSignal;
}

/** How the answer to a request is read. If a reader throws, the request has failed and may be retried. */
export interface AnswerReaders<Outcome> {
  /** Reads a response with a status of 2xx. */
  readonly accepted: (response: Response) => Promise<Outcome>;
  /** Reads any other response. @defaultValue {@link refusalOf} */
  readonly refused?: (response: Response, address: Address) => Promise<RequestFailure>;
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
  const { fetch, url, credentials, signal } = request;
  try {
    const headers = { ...(await ownHeaders(request)), ...init.headers };
    const response = await fetch(url, {
      cache: "no-store",
      ...(credentials && { credentials }),
      ...init,
      headers: new Headers(headers),
      signal,
    });
    return await (response.ok ? accepted(response) : refused(response, request));
  } catch (cause) {
    if (isProgressError(cause, "invalid-option")) return failureOf(cause);
    const address = addressOf(request);
    if (canBeRequested(url))
      return failure(`The request to ${address} failed; see the cause.`, { cause });
    const wanted = "it must be an http or https URL without a password, or a path in a page";
    const message = `${address} cannot be requested: ${wanted}.`;
    return failureOf(new ProgressError("invalid-option", { message, cause }));
  }
}

/**
 * The headers of the caller.
 *
 * @throws ProgressError `invalid-option` for headers that cannot be sent. An error of the caller's own promise is
 * thrown as it is: credentials that can't be fetched now may be fetched later.
 */
async function ownHeaders({ headers, refresh }: HttpRequest): Promise<Record<string, string>> {
  const own = await (typeof headers === "function" ? calledHeaders(headers, refresh) : headers);
  try {
    return Object.fromEntries(new Headers(own));
  } catch {
    throw unsendable(own as HeadersInit);
  }
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

/** The error for headers that cannot be sent. It names the first of them. */
function unsendable(headers: HeadersInit): ProgressError {
  const entries = Array.isArray(headers) ? headers : Object.entries(headers);
  for (const [name, value] of entries) {
    try {
      new Headers([[name, value] as [string, string]]);
    } catch {
      const wanted = "text that HTTP can send: ISO-8859-1 on one line";
      return invalidOption(`headers["${name}"]`, value, wanted);
    }
  }
  return invalidOption("headers", headers, "an object, a list of pairs, or Headers");
}

/** Whether a request can be sent to an address: over HTTP, or as the page itself was loaded. */
function canBeRequested(url: string): boolean {
  try {
    // The URL of React Native has no `protocol`.
    const { href } = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
    // `fetch` refuses a user name or a password in the address.
    if (/^https?:/.test(href)) return !/^\w+:\/\/[^/]*@/.test(href);
    return href.startsWith(String(globalThis.location?.protocol));
  } catch {
    return false;
  }
}
