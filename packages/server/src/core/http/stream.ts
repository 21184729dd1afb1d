import { elapsed } from "../../shared/time.js";
import type { Reader } from "../hub/readers.js";
import { streamAnswer } from "./answers.js";
import { closeSink } from "./sink-state.js";
import { openSubscription, type StreamStart } from "./subscription.js";
import type { Sink, StreamAnswer, Subscription } from "./types.js";

/**
 * A stream answer that owns the slot of its topic handle until a sink subscribes. It gives the slot back if the client
 * leaves, if nobody subscribes within `stallMs`, or if the hub destroys it: an adapter or a middleware may drop the
 * answer. A sink that subscribes after that is ended at once.
 *
 * @param signal - Aborts when the client is gone.
 */
export function openStream(start: StreamStart, signal: AbortSignal): StreamAnswer {
  const { hub, settings, handle } = start;
  const expiresAt = elapsed() + settings.stallMs;
  let isTaken = false;
  let subscription: Subscription | undefined;

  /** Every end of the stream, before and after the subscription, passes here. */
  function leave(): void {
    isTaken = true;
    signal.removeEventListener("abort", onAbort);
    hub.remove(unclaimed);
    handle.leave();
  }

  function onAbort(): void {
    if (!isTaken) leave();
    else subscription?.closed();
  }

  const unclaimed: Reader = {
    tick: (now) => now >= expiresAt && leave(),
    // The subscription that is still to come is sent the `bye`.
    leaveBy: () => {},
    destroy: leave,
  };

  function subscribe(sink: Sink): Subscription {
    if (isTaken) {
      closeSink({ sink }, "end");
      return CLOSED_SUBSCRIPTION;
    }
    isTaken = true;
    hub.remove(unclaimed);
    subscription = openSubscription(sink, { ...start, handle: { topic: handle.topic, leave } });
    if (signal.aborted) subscription.closed();
    return subscription;
  }

  hub.add(unclaimed);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return streamAnswer(subscribe);
}

const CLOSED_SUBSCRIPTION: Subscription = { drained: () => {}, closed: () => {} };
