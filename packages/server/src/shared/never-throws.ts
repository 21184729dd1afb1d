/**
 * Wraps a callback of the app so that nothing it throws reaches the caller: an app's fault in `onError` must not break
 * the stream or the worker that it is called for.
 */
export function neverThrows<Argument>(
  callback: ((argument: Argument) => void) | undefined,
): (argument: Argument) => void {
  return (argument) => {
    try {
      callback?.(argument);
    } catch {
      // The callback is where errors are reported, so there is no one left to report this one to.
    }
  };
}
