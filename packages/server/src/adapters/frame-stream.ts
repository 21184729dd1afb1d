import type { Sink, StreamAnswer, Subscription } from "../core/http/types.js";
import { discardStream } from "./discard-stream.js";
import { readerTooSlow } from "./reader-too-slow.js";

/** Bytes that may wait to be read before the subscriber counts as full. */
const HIGH_WATER_BYTES = 16 * 1024;

/** The subscription of one body. It begins with the first read, because then the headers are on their way. */
interface BodySubscription {
  hasBegun(): boolean;
  isOver(): boolean;
  begin(sink: Sink): void;
  drained(): void;
  /** Frees the slot, whether or not the subscription has begun. */
  finish(): void;
}

function bodySubscription(answer: StreamAnswer): BodySubscription {
  let begun = false;
  // Set when `subscribe` returns, which may be after the core has ended the stream.
  let subscription: Subscription | undefined;
  let over = false;

  return {
    hasBegun: () => begun,
    isOver: () => over,
    begin(sink) {
      begun = true;
      subscription = answer.subscribe(sink);
      if (over) subscription.closed();
    },
    drained: () => subscription?.drained(),
    finish() {
      over = true;
      if (begun) subscription?.closed();
      else discardStream(answer);
    },
  };
}

/**
 * A stream answer as the body of a `Response`.
 *
 * @param signal - Aborts when the client has left. Some runtimes cancel the body then, some only abort the signal.
 */
export function frameStream(
  answer: StreamAnswer,
  signal: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const subscription = bodySubscription(answer);
  let full = false;
  let ending = false;

  function sinkOf(controller: ReadableByteStreamController): Sink {
    return {
      write(bytes) {
        if (ending || subscription.isOver()) return false;
        // A byte stream detaches the buffer that is enqueued, and these bytes are shared by all subscribers.
        controller.enqueue(bytes.slice());
        full = waitingBytes(controller) >= HIGH_WATER_BYTES;
        return !full;
      },
      end() {
        ending = true;
        if (!subscription.isOver() && waitingBytes(controller) === 0) close(controller);
      },
      destroy() {
        if (subscription.isOver()) return;
        controller.error(readerTooSlow());
        subscription.finish();
      },
    };
  }

  function close(controller: ReadableByteStreamController): void {
    controller.close();
    // [spec] Without this, a pending read into the reader's own buffer never settles.
    controller.byobRequest?.respond(0);
    subscription.finish();
  }

  return new ReadableStream({
    type: "bytes",
    start(controller) {
      const onAbort = () => {
        if (!subscription.isOver()) close(controller);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    },
    // The high-water mark is 0, so this is called only when a reader waits and no bytes are left for it.
    pull(controller) {
      if (ending) close(controller);
      else if (!subscription.hasBegun()) subscription.begin(sinkOf(controller));
      else if (full) {
        full = false;
        subscription.drained();
      }
    },
    cancel: () => subscription.finish(),
  });
}

/** The bytes that were enqueued and not read. The high-water mark is 0, so they are what `desiredSize` is below it. */
function waitingBytes(controller: ReadableByteStreamController): number {
  return -(controller.desiredSize ?? 0);
}
