import type { Sink, StreamAnswer, Subscription } from "../core/http/types.js";

/**
 * Makes a subscription whose calls never throw. They come from event listeners, where an error ends the process. The
 * error is lost here: the reader is cut off, and returns with its cursor.
 *
 * @param cut - Ends the response. Must not throw.
 */
export function guardSubscription(subscription: Subscription, cut: () => void): Subscription {
  const attempt = (call: () => void): void => {
    try {
      call();
    } catch {
      cut();
    }
  };
  return {
    drained: () => attempt(() => subscription.drained()),
    closed: () => attempt(() => subscription.closed()),
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
