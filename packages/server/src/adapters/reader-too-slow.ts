import { ProgressError } from "@emlinh/progress-protocol";

/**
 * The error that ends the response of a reader that was cut off. Some runtimes print the error of a body. They leave
 * out one that is called AbortError, or print one line for one without a stack trace.
 */
export function readerTooSlow(): ProgressError {
  const error = new ProgressError("closed", {
    message: "The reader took no bytes for longer than stallMs, so its stream was cut off.",
  });
  const name = "AbortError";
  return Object.assign(error, { name, stack: `${name}: ${error.message}` });
}
