import { backoffMs } from "../machine/backoff.js";
import { type Dropped, dropped, exchange, jsonOf } from "../transports/exchange.js";
import type { ResolvedWatchOptions } from "./options.js";

/** A POST that may be sent again: its key, or its nature, makes it idempotent. */
export interface Post {
  readonly url: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the tries. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a POST until it is answered, with the waits of the backoff between the tries.
 *
 * @returns The answer's JSON; `null` if it has none.
 * @throws {@link ProgressError} as the server refused it, or the last failure after `maxAttempts` of them; the signal's reason.
 */
export async function post(
  options: ResolvedWatchOptions,
  { url, body = {}, headers, signal }: Post,
): Promise<unknown> {
  const init = {
    method: "POST",
    body: JSON.stringify(body),
    headers: { ...headers, "content-type": "application/json" },
  };
  const limitMs = options.openTimeoutMs + options.pollWaitMs;
  let refresh = false;
  let giveUp = (): void => {};
  signal?.addEventListener("abort", () => giveUp());
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const abort = new AbortController();
    const givenUp = new Promise<Dropped>((resolve) => {
      giveUp = () => resolve(dropped(`Nothing came for ${limitMs} ms.`));
    });
    const cancel = options.schedule(giveUp, limitMs);
    const request = { ...options, url, refresh, signal: abort.signal };
    const answer = exchange(request, init, async (response) => ({ reply: await jsonOf(response) }));
    const outcome: Partial<Dropped> & { reply?: unknown } = await Promise.race([answer, givenUp]);
    cancel();
    abort.abort();
    const { reply, error, floorMs = 0 } = outcome;
    signal?.throwIfAborted();
    if (!error) return reply;
    if (error.status === 401 && !refresh) refresh = true;
    else if (error.retryable && attempt < options.maxAttempts) {
      const delayMs = backoffMs(attempt, options.backoffMs, floorMs, options.random());
      await new Promise<void>((resolve) => {
        giveUp = resolve;
        options.schedule(resolve, delayMs);
      });
    } else throw error;
  }
}
