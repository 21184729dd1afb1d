import { ProgressError } from "@emlinh/progress-protocol";

/** The error that ends the response of a reader that was cut off. */
export function readerTooSlow(): ProgressError {
  return new ProgressError("closed", {
    message: "The reader took no bytes for longer than stallMs, so its stream was cut off.",
  });
}
