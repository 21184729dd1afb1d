import type { Sink, StreamAnswer, Subscription } from "../core/http/types.js";

/**
 * Calls a subscription from an event listener, where an error would end the process. The error is lost here: the reader
 * is cut off, and returns with its cursor.
 */
export function attempt(sink: Pick<Sink, "destroy">, call: () => void): void {
  try {
    call();
  } catch {
    sink.destroy();
  }
}

/** Makes a subscription whose calls never throw, as {@link attempt} does. */
export function guardSubscription(
  subscription: Subscription,
  sink: Pick<Sink, "destroy">,
): Subscription {
  return {
    drained: () => attempt(sink, () => subscription.drained()),
    closed: () => attempt(sink, () => subscription.closed()),
  };
}

/** Frees the slot of a stream that is not written, because the client has left or wants only the headers. */
export function discardStream(answer: StreamAnswer): void {
  try {
    answer.subscribe(NO_SINK).closed();
  } catch {
    // A frame that can't be made is of no interest to a reader that is gone.
  }
}

const NO_SINK: Sink = { write: () => true, end: () => {}, destroy: () => {} };
