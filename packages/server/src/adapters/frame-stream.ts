import { ProgressError } from "@emlinh/progress-protocol";
import type { Sink, StreamAnswer, Subscription } from "../core/http/types.js";
import { release } from "./progress-handler.js";

/** Bytes that may wait to be read before the subscriber counts as full. */
const HIGH_WATER_BYTES = 16 * 1024;

/**
 * A stream answer as a body. It subscribes when the first read comes, for then the head is on its way.
 *
 * @param signal - Aborts when the client is gone: some runtimes cancel the body then, some only abort.
 */
export function frameStream(
  answer: StreamAnswer,
  signal: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let subscribed = false;
  // Follows `subscribed` when `subscribe` returns, which may be after it has ended the stream.
  let subscription: Subscription | undefined;
  let full = false;
  let ending = false;
  let over = false;

  function finish(): void {
    over = true;
    if (subscribed) subscription?.closed();
    else release(answer);
  }

  function sinkOf(controller: ReadableByteStreamController): Sink {
    return {
      write(bytes) {
        if (ending || over) return false;
        // A byte stream takes the buffer away from whoever enqueues it, and these bytes belong to all subscribers.
        controller.enqueue(bytes.slice());
        full = waitingBytes(controller) >= HIGH_WATER_BYTES;
        return !full;
      },
      end() {
        ending = true;
        if (!over && waitingBytes(controller) === 0) close(controller);
      },
      destroy() {
        if (over) return;
        controller.error(
          new ProgressError("closed", { message: "The reader took nothing for too long." }),
        );
        finish();
      },
    };
  }

  function close(controller: ReadableByteStreamController): void {
    controller.close();
    // [spec] A pending read into the reader's own buffer is answered only by this.
    controller.byobRequest?.respond(0);
    finish();
  }

  return new ReadableStream({
    type: "bytes",
    start(controller) {
      const leave = () => {
        if (!over) close(controller);
      };
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
    },
    // Without a high-water mark it is called only when a reader waits and nothing is left to give it.
    pull(controller) {
      if (ending) close(controller);
      else if (!subscribed) {
        subscribed = true;
        subscription = answer.subscribe(sinkOf(controller));
        if (over) subscription.closed();
      } else if (full) {
        full = false;
        subscription?.drained();
      }
    },
    cancel: finish,
  });
}

/** What was enqueued and not read; the high-water mark is 0. */
function waitingBytes(controller: ReadableByteStreamController): number {
  return -(controller.desiredSize ?? 0);
}
