import { ProgressError } from "@emlinh/progress-protocol";
import { invalidOption } from "../../transports/invalid-option.js";
import { stringOf } from "../../transports/json.js";
import type { ResolvedWatchOptions } from "../options.js";
import { post, type Retry } from "../post.js";

/** A wait before the request is sent again. */
export type CreateRetry = Retry;

/** The options of one {@link JobManager.create}. */
export interface CreateOptions {
  /** Two requests with the same key create one job. @defaultValue 128 random bits */
  key?: string | undefined;
  /**
   * Ends the attempts when it aborts: the promise rejects with the signal's reason. The server may have created the job
   * nevertheless.
   */
  signal?: AbortSignal | undefined;
  /** Called before each wait, for example to show the time until the next attempt. */
  onRetry?: ((retry: CreateRetry) => void) | undefined;
}

/**
 * Creates jobs over the app's own route. While a request is under way, a second call with the same key or, without one,
 * the same input returns the same promise.
 *
 * @returns the id of the job.
 */
export type JobCreator = (input: object, options?: CreateOptions) => Promise<string>;

/** @param closing - Ends every request. */
export function jobCreator(
  options: ResolvedWatchOptions,
  createUrl: string | undefined,
  closing: AbortSignal,
): JobCreator {
  const underWay = new Map<string, Promise<string>>();

  return (input, { key, signal, onRetry } = {}) => {
    const name = key ?? JSON.stringify(input);
    const earlier = underWay.get(name);
    if (earlier) return earlier;
    const abort = new AbortController();
    for (const source of [closing, signal]) follow(source, abort);
    const request = {
      ...{ createUrl, input, onRetry },
      key: key ?? randomKey(),
      signal: abort.signal,
    };
    const creating = createJob(options, request).finally(() => {
      underWay.delete(name);
      // Removes the listeners from the sources.
      abort.abort();
    });
    underWay.set(name, creating);
    return creating;
  };
}

async function createJob(
  options: ResolvedWatchOptions,
  request: {
    readonly createUrl: string | undefined;
    readonly input: object;
    readonly key: string;
    readonly signal: AbortSignal;
    readonly onRetry: CreateOptions["onRetry"];
  },
): Promise<string> {
  const { createUrl: url, input, key, signal, onRetry } = request;
  if (!url)
    throw invalidOption("createUrl", url, "the address of the app's route that creates jobs");
  const headers = { "idempotency-key": key };
  const reply = await post(options, { url, body: input, headers, signal, onRetry });
  const jobId = stringOf(reply, "jobId", "");
  if (jobId) return jobId;
  throw new ProgressError("refused", {
    message: `Unexpected response: expected { "jobId": "…" }, but ${url} answered without one.`,
  });
}

/** Aborts together with a source. `AbortSignal.any` is missing in older browsers. */
function follow(source: AbortSignal | undefined, abort: AbortController): void {
  const stop = (): void => abort.abort(source?.reason);
  source?.addEventListener("abort", stop, { signal: abort.signal });
  if (source?.aborted) stop();
}

/** `crypto.randomUUID` is missing in pages that were loaded over plain HTTP. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
