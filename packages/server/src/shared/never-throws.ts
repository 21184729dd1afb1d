/**
 * Calls code of the app. An error that it throws, or that the promise or thenable it returns rejects with, is passed to
 * `onFault`; nothing is thrown and no rejection stays unhandled.
 *
 * @param onFault - Must not throw.
 */
export function callSafely(call: () => unknown, onFault: (error: unknown) => void): void {
  try {
    handleRejection(call(), onFault);
  } catch (error) {
    onFault(error);
  }
}

/**
 * Handles the rejection of a callback's result, if that is a promise or a thenable: an async function may be passed
 * wherever a callback returns nothing.
 *
 * @throws the error of a promise whose own properties throw. A thenable whose `then` throws counts as a rejection.
 */
export function handleRejection(result: unknown, onFault: (error: unknown) => void): void {
  if (typeof result === "object" && result !== null) Promise.resolve(result).catch(onFault);
}

/**
 * Wraps a callback of the app so that nothing it throws or rejects with reaches the caller: an app's fault in `onError`
 * must not break the stream or the worker that it is called for.
 */
export function neverThrows<Argument>(
  callback: ((argument: Argument) => unknown) | undefined,
): (argument: Argument) => void {
  if (callback === undefined) return ignore;
  return (argument) => callSafely(() => callback(argument), ignore);
}

/** The callback is where errors are reported, so there is no one left to report its own to. */
function ignore(): void {}

/**
 * Wraps a function of the app that returns a number, such as a clock. If it throws, or returns a number that is not
 * valid, the fallback is called instead.
 *
 * @param onFault - Called with the first fault. Must not throw.
 */
export function alwaysNumber(
  source: () => number,
  { isValid, fallback, onFault }: NumberSource,
): () => number {
  let isReported = false;
  function useFallback(cause: unknown): number {
    if (!isReported) {
      isReported = true;
      onFault(cause);
    }
    return fallback();
  }
  return () => {
    try {
      const value = source();
      if (typeof value === "number" && isValid(value)) return value;
    } catch (error) {
      return useFallback(error);
    }
    return useFallback(undefined);
  };
}

/** The parts of {@link alwaysNumber}. */
export interface NumberSource {
  readonly isValid: (value: number) => boolean;
  readonly fallback: () => number;
  readonly onFault: (cause: unknown) => void;
}
