import type { ProgressError } from "@emlinh/progress-protocol";
import { backoffDelayMs } from "../machine/backoff.js";
import { type Address, failure, type RequestFailure } from "../transports/failure.js";
import { type AnswerReaders, sendRequest } from "../transports/http.js";
import { parseJson } from "../transports/json.js";
import type { ResolvedWatchOptions } from "./options.js";

/** A wait before the request of a `create` is sent again. */
export interface CreateRetry {
  /** The failure of the last request. */
  readonly error: ProgressError;
  /** The number of requests so far, from 1. */
  readonly attempt: number;
  /** When the next request is sent. Milliseconds since the epoch, by this device's clock. */
  readonly retryAt: number;
}

/** A request that may be sent again: it is idempotent by its key or by its nature. */
export interface Call
  extends Pick<AnswerReaders<never>, "refused">,
    Pick<Address, "url" | "option"> {
  /** @defaultValue `"POST"` */
  readonly method?: "GET" | "POST" | "DELETE";
  /** JSON. @defaultValue `{}` for a POST */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the attempts. */
  readonly signal?: AbortSignal;
  /** The limit for each attempt, in milliseconds. @defaultValue the time that a poll may take */
  readonly limitMs?: number;
  /** Whether an attempt that reached the limit is the last one. @defaultValue `false` */
  readonly isLimitFinal?: boolean;
  /** Called before each wait. */
  readonly onRetry?: (retry: CreateRetry) => void;
}

/**
 * Sends a request until it is answered, and waits between the attempts as the backoff says.
 *
 * @returns the JSON of the answer; `undefined` if it is not JSON.
 * @throws {@link ProgressError} with the code of the server's refusal, or the last failure after `maxAttempts`. After
 * the signal aborted, any error.
 */
export async function call(options: ResolvedWatchOptions, request: Call): Promise<unknown> {
  const { signal, onRetry } = request;
  let refresh = false;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await send(options, request, refresh);
    if ("reply" in outcome) return outcome.reply;
    const { error, floorMs } = outcome;
    if (signal?.aborted) throw error;
    if (error.status === 401 && !refresh) {
      refresh = true;
      continue;
    }
    if (!error.retryable || attempt >= options.maxAttempts) throw error;
    const delayMs = backoffDelayMs(attempt, options.backoffMs, floorMs, options.random());
    onRetry?.({ error, attempt, retryAt: options.clock() + delayMs });
    await pause(options, delayMs, signal).ended;
    if (signal?.aborted) throw error;
  }
}

type Outcome = { readonly reply: unknown } | RequestFailure;

/** Sends one request. It never rejects. */
async function send(
  options: ResolvedWatchOptions,
  request: Call,
  refresh: boolean,
): Promise<Outcome> {
  const { url, option, method = "POST", body = "{}", signal, refused, isLimitFinal } = request;
  const { limitMs = options.openTimeoutMs + options.pollWaitMs } = request;
  const type = "application/json";
  const headers = { accept: type, ...request.headers };
  const init =
    method === "POST"
      ? { method, body, headers: { ...headers, "content-type": type } }
      : { method, headers };
  const abort = new AbortController();
  // The limit covers the user's `headers` function as well, which may never resolve.
  const limit = pause(options, limitMs, signal);
  const outcome = await Promise.race<Outcome>([
    limit.ended.then(() =>
      failure(`No answer of ${url} arrived within ${limitMs} ms.`, { retryable: !isLimitFinal }),
    ),
    sendRequest({ ...options, url, option, refresh, signal: abort.signal }, init, {
      accepted: async (response) => ({ reply: parseJson(await response.text()) }),
      ...(refused && { refused }),
    }),
  ]);
  limit.end();
  abort.abort();
  return outcome;
}

interface Pause {
  readonly ended: Promise<void>;
  /** Ends it before its time. Idempotent. */
  end(): void;
}

/** Waits for a delay, or until a signal aborts. `Infinity`: only for the signal. */
function pause(
  { schedule }: Pick<ResolvedWatchOptions, "schedule">,
  delayMs: number,
  signal: AbortSignal | undefined,
): Pause {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = () => {
      cancel?.();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = delayMs < Number.POSITIVE_INFINITY ? schedule(() => end(), delayMs) : undefined;
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
  return { ended, end };
}
