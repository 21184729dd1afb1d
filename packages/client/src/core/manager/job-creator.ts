import { ProgressError } from "@emlinh/progress-protocol";
import { invalidOption } from "../../transports/invalid-option.js";
import { type CreateRetry, call } from "../call.js";
import { isJobId } from "../job-id.js";
import { type Listeners, listenerSet } from "../listeners.js";
import type { ResolvedWatchOptions } from "../options.js";
import { appRefusal } from "./app-refusal.js";
import { keyHeader, randomKey } from "./idempotency-key.js";
import { inputText } from "./input-text.js";
import { abortReason, type SharedWork, sharedWork } from "./shared-work.js";

/** The options of one {@link JobManager.create}. */
export interface CreateOptions {
  /**
   * Two requests with the same key create one job. In the header `Idempotency-Key` the characters outside visible
   * ASCII, and `%`, are percent-encoded: the app's route reads the key with `decodeURIComponent`.
   *
   * @defaultValue 128 random bits
   */
  key?: string | undefined;
  /**
   * Ends the wait of this call when it aborts: the promise rejects with the signal's reason. The request ends with the
   * last call that waits for it. The server may have created the job nevertheless.
   */
  signal?: AbortSignal | undefined;
  /**
   * Called before each wait for the next attempt, so that a page can say why it takes longer, and how long. Abort the
   * `signal` to give up.
   */
  onRetry?: ((retry: CreateRetry) => void) | undefined;
}

/** Creates jobs over the app's own route. */
export interface JobCreator {
  /**
   * While a request is under way, another call with the same key or, without one, the same input waits for the same
   * job.
   *
   * @returns the id of the job.
   */
  create(input: object, options?: CreateOptions): Promise<string>;
  /** Rejects every call that waits, and aborts the requests. */
  close(error: ProgressError): void;
}

/** The settings of the app's route. */
export interface CreateRoute {
  readonly createUrl: string | undefined;
  readonly createTimeoutMs: number;
}

/** One request that is under way. */
interface Creation extends SharedWork<string> {
  readonly listeners: Listeners<{ retry: CreateRetry }>;
}

/** Makes a creator that has no request under way. */
export function jobCreator(options: ResolvedWatchOptions, route: CreateRoute): JobCreator {
  const underWay = new Map<string, Creation>();

  function begin(name: string, body: string, key: string): Creation {
    const listeners = listenerSet<{ retry: CreateRetry }>(options.onError);
    const onRetry = (retry: CreateRetry): void => listeners.emit("retry", retry);
    const work = sharedWork(
      (signal) => requestJob(options, route, { body, key, signal, onRetry }),
      () => {
        // A later creation may have the same name.
        if (underWay.get(name) === creation) underWay.delete(name);
      },
    );
    const creation = { ...work, listeners };
    underWay.set(name, creation);
    return creation;
  }

  return {
    async create(input, { key, signal, onRetry } = {}) {
      const body = inputText(input);
      const header = key === undefined ? randomKey() : keyHeader(key);
      if (signal?.aborted) throw abortReason(signal);
      const name = key === undefined ? body : `key ${key}`;
      const { listeners, join } = underWay.get(name) ?? begin(name, body, header);
      const removeListener = onRetry && listeners.add("retry", onRetry);
      try {
        return await join(signal);
      } finally {
        removeListener?.();
      }
    },
    close(error) {
      for (const creation of underWay.values()) creation.fail(error);
    },
  };
}

async function requestJob(
  options: ResolvedWatchOptions,
  { createUrl: url, createTimeoutMs }: CreateRoute,
  request: {
    readonly body: string;
    readonly key: string;
    readonly signal: AbortSignal;
    readonly onRetry: (retry: CreateRetry) => void;
  },
): Promise<string> {
  if (!url)
    throw invalidOption("createUrl", url, "the address of the app's route that creates jobs");
  const { key, ...rest } = request;
  const reply = await call(options, {
    ...rest,
    url,
    option: "createUrl",
    headers: { "idempotency-key": key },
    limitMs: createTimeoutMs,
    isLimitFinal: true,
    refused: appRefusal,
  });
  const jobId = (reply as { readonly jobId?: unknown } | null | undefined)?.jobId;
  if (isJobId(jobId)) return jobId;
  const got = JSON.stringify(reply)?.slice(0, 80) ?? "no JSON";
  throw new ProgressError("refused", {
    message: `Unexpected response: expected { "jobId": "…" } with the id of a job, but ${url} answered ${got}.`,
  });
}
