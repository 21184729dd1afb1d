import type { ProgressError } from "@emlinh/progress-protocol";
import { clientGone } from "../../shared/errors.js";

/**
 * Requests that wait for something that may never come, such as a decision of the app or the opening of a topic. Each
 * ends when its client leaves, and all of them can be ended at once.
 */
export interface PendingRequests {
  /**
   * Settles as the promise does, or rejects before that: with {@link clientGone} when the signal aborts, or as
   * `endAll` says. The result of a promise that settles later is dropped.
   */
  until<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result>;
  /** Rejects for every request that still waits. */
  endAll(error: ProgressError): void;
}

/** Starts with none. */
export function pendingRequests(): PendingRequests {
  const ends = new Set<(error: ProgressError) => void>();
  return {
    until: (promise, signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          ends.delete(end);
          signal?.removeEventListener("abort", onAbort);
        };
        const end = (error: unknown): void => {
          stop();
          reject(error);
        };
        const onAbort = (): void => end(clientGone());
        ends.add(end);
        signal?.addEventListener("abort", onAbort, { once: true });
        promise.then((result) => {
          stop();
          resolve(result);
        }, end);
        if (signal?.aborted) onAbort();
      }),
    endAll(error) {
      for (const end of [...ends]) end(error);
    },
  };
}
