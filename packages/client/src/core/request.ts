import { backoffMs } from "../machine/backoff.js";
import { type Dropped, exchange, jsonOf } from "../transports/exchange.js";
import type { ResolvedWatchOptions } from "./options.js";

/** A POST that may be sent again: its key, or its nature, makes it idempotent. */
export interface Post {
  readonly url: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the tries. */
  readonly signal: AbortSignal;
}

interface Answered {
  readonly kind: "answered";
  readonly reply: unknown;
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
  let refresh = false;
  let giveUp = (): void => {};
  signal.addEventListener("abort", () => giveUp());
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    const abort = new AbortController();
    giveUp = () => abort.abort();
    const outcome: Answered | Dropped = await exchange<Answered>(
      { ...options, url, refresh, abort, waitMs: options.pollWaitMs },
      init,
      async (response) => ({ kind: "answered", reply: await jsonOf(response) }),
    );
    signal.throwIfAborted();
    if (outcome.kind === "answered") return outcome.reply;
    if (outcome.error?.status === 401 && !refresh) refresh = true;
    else if (outcome.error?.retryable && attempt < options.maxAttempts) {
      const delayMs = backoffMs(attempt, options.backoffMs, outcome.floorMs, options.random());
      await new Promise<void>((resolve) => {
        giveUp = resolve;
        options.schedule(resolve, delayMs);
      });
    } else throw outcome.error;
  }
}
