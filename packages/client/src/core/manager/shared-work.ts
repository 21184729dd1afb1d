import { ProgressError } from "@emlinh/progress-protocol";

/** Work that several callers wait for. It is aborted when the last of them has left. */
export interface SharedWork<Result> {
  /**
   * Waits for the result.
   *
   * @param signal - Ends this caller's wait when it aborts: the promise rejects with the signal's reason.
   */
  join(signal?: AbortSignal): Promise<Result>;
  /** Makes all callers leave with an error. */
  fail(error: unknown): void;
}

/**
 * Begins work.
 *
 * @param onEnd - Called when the work has ended, or has no callers any more. It may be called twice.
 */
export function sharedWork<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  onEnd: () => void,
): SharedWork<Result> {
  const abort = new AbortController();
  const callers = new Set<(error: unknown) => void>();
  const done = work(abort.signal).finally(onEnd);

  return {
    join: (signal) =>
      new Promise((resolve, reject) => {
        const onAbort = (): void => fail(abortReason(signal));
        const leave = (): void => {
          signal?.removeEventListener("abort", onAbort);
          callers.delete(fail);
          if (callers.size > 0) return;
          onEnd();
          abort.abort();
        };
        const fail = (error: unknown): void => {
          leave();
          reject(error);
        };
        callers.add(fail);
        signal?.addEventListener("abort", onAbort);
        done.then((result) => {
          leave();
          resolve(result);
        }, fail);
      }),
    fail(error) {
      for (const fail of callers) fail(error);
    },
  };
}

/** The reason of a signal that has aborted. Browsers before 2022 do not tell it. */
export function abortReason(signal: AbortSignal | undefined): unknown {
  return signal?.reason ?? new ProgressError("stopped", { message: "The signal aborted." });
}
