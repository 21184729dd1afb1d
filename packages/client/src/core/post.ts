import type { ProgressError } from "@emlinh/progress-protocol";
import { backoffDelayMs } from "../machine/backoff.js";
import { failure } from "../transports/failure.js";
import { sendRequest } from "../transports/http.js";
import { parseJson } from "../transports/json.js";
import type { ResolvedWatchOptions } from "./options.js";

/** A wait before a request is sent again. */
export interface Retry {
  /** The failure of the last request. */
  readonly error: ProgressError;
  /** The number of requests so far, from 1. */
  readonly attempt: number;
  /** When the next request is sent. Milliseconds since the epoch, by this device's clock. */
  readonly retryAt: number;
}

/** A POST that may be sent again: it is idempotent by its key or by its nature. */
export interface PostRequest {
  readonly url: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the attempts. */
  readonly signal?: AbortSignal;
  /** Called before each wait. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
}

/**
 * Sends a POST until it is answered, and waits between the attempts as the backoff says.
 *
 * @returns the JSON of the answer; `undefined` if it is not JSON.
 * @throws {@link ProgressError} with the code of the server's refusal, or the last failure after `maxAttempts`; the
 * signal's reason.
 */
export async function post(
  options: ResolvedWatchOptions,
  { url, body = {}, headers, signal, onRetry }: PostRequest,
): Promise<unknown> {
  const init = {
    method: "POST",
    body: JSON.stringify(body),
    headers: { ...headers, "content-type": "application/json" },
  };
  const limitMs = options.openTimeoutMs + options.pollWaitMs;
  let refresh = false;
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const abort = new AbortController();
    const outcome = await Promise.race([
      sendRequest({ ...options, url, refresh, signal: abort.signal }, init, {
        accepted: async (response) => ({ reply: parseJson(await response.text()) }),
      }),
      // The limit covers the user's `headers` function as well, which may never resolve.
      pause(options, limitMs, signal, abort.signal).then(() =>
        failure(`No data arrived within ${limitMs} ms.`),
      ),
    ]);
    abort.abort();
    signal?.throwIfAborted();
    if ("reply" in outcome) return outcome.reply;
    const { error, floorMs } = outcome;
    if (error.status === 401 && !refresh) refresh = true;
    else if (!error.retryable || attempt >= options.maxAttempts) throw error;
    else {
      const delayMs = backoffDelayMs(attempt, options.backoffMs, floorMs, options.random());
      onRetry?.({ error, attempt, retryAt: options.clock() + delayMs });
      await pause(options, delayMs, signal);
    }
  }
}

/** Resolves after a delay, or as soon as one of the signals aborts. */
function pause(
  { schedule }: Pick<ResolvedWatchOptions, "schedule">,
  delayMs: number,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<void> {
  return new Promise((resolve) => {
    const finished = new AbortController();
    const finish = (): void => {
      cancel();
      finished.abort();
      resolve();
    };
    const cancel = schedule(finish, delayMs);
    for (const signal of signals)
      signal?.addEventListener("abort", finish, { signal: finished.signal });
  });
}
