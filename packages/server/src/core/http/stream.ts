import { elapsed } from "../../shared/time.js";
import type { Reader } from "../hub/readers.js";
import { streamAnswer } from "./answers.js";
import { closeSink } from "./sink-state.js";
import { openSubscription, type StreamStart } from "./subscription.js";
import type { RequestFacts, Sink, StreamAnswer, Subscription } from "./types.js";

/**
 * A stream answer that owns the slot of its topic handle until a sink subscribes. It gives the slot back if the client
 * leaves, if nobody subscribes within `stallMs`, or if the hub destroys it: an adapter or a middleware may drop the
 * answer. A sink that subscribes after that is ended at once.
 *
 * @param client - Its signal aborts when the client is gone. It is looked at only if the answer is not taken soon.
 */
export function openStream(
  start: StreamStart,
  client: Pick<RequestFacts, "signal">,
): StreamAnswer {
  const { hub, settings, handle } = start;
  const expiresAt = elapsed() + settings.stallMs;
  let isTaken = false;

  /** Gives the slot back, because nobody takes the answer. */
  function drop(): void {
    isTaken = true;
    hub.remove(unclaimed);
    handle.leave();
  }

  const unclaimed: Reader = {
    tick: (now) => (now >= expiresAt || client.signal.aborted) && drop(),
    // The subscription that is still to come is sent the `bye`.
    leaveBy: () => {},
    destroy: drop,
  };

  function subscribe(sink: Sink): Subscription {
    if (isTaken) {
      closeSink({ sink }, "end");
      return CLOSED_SUBSCRIPTION;
    }
    isTaken = true;
    hub.remove(unclaimed);
    return openSubscription(sink, start);
  }

  hub.add(unclaimed);
  return streamAnswer(subscribe);
}

const CLOSED_SUBSCRIPTION: Subscription = { drained: () => {}, closed: () => {} };
