import type { Sink, StreamAnswer, Subscription } from "../core/http/types.js";
import { isBun } from "./fetch-runtime.js";
import { discardStream, guardSubscription } from "./guarded-subscription.js";
import { destroyOnceClosed } from "./leftover-stream.js";
import type { NodeResponse } from "./node-exchange.js";
import { readerTooSlow } from "./reader-too-slow.js";
import { cutOff } from "./write-stream.js";

/** Bytes that may wait to be read before the subscriber counts as full. */
const HIGH_WATER_BYTES = 16 * 1024;

type Controller = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

/** The destination of a body. */
export interface BodyReader {
  /** Aborts when the client has left. Some runtimes cancel the body then, some only abort the signal. */
  readonly signal: AbortSignal;
  /** The response of Node that the runtime writes the body to, if it shows it. */
  readonly res?: NodeResponse | undefined;
}

/** The subscription of one body. It begins with the first read, because then the headers are on their way. */
interface BodySubscription {
  hasBegun(): boolean;
  isOver(): boolean;
  /** @throws the error of the core if it can't make the first frames. */
  begin(sink: Sink): void;
  drained(): void;
  /** Frees the slot, whether or not the subscription has begun. Idempotent, and never throws. */
  finish(): void;
}

function bodySubscription(answer: StreamAnswer, res: BodyReader["res"]): BodySubscription {
  let begun = false;
  // Set when `subscribe` returns, which may be after the core has ended the stream.
  let subscription: Subscription | undefined;
  let over = false;

  return {
    hasBegun: () => begun,
    isOver: () => over,
    begin(sink) {
      begun = true;
      try {
        subscription = guardSubscription(answer.subscribe(sink), sink);
      } catch (error) {
        // The error reaches the runtime, and ends the body.
        over = true;
        throw error;
      }
      if (over) subscription.closed();
    },
    drained: () => subscription?.drained(),
    finish() {
      if (over) return;
      over = true;
      if (res) destroyOnceClosed(res);
      if (begun) subscription?.closed();
      else discardStream(answer);
    },
  };
}

/** A stream answer as the body of a `Response`. */
export function frameStream(
  answer: StreamAnswer,
  { signal, res }: BodyReader,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const subscription = bodySubscription(answer, res);
  let full = false;
  let ending = false;
  const pause = createPause();

  function sinkOf(controller: Controller): Sink {
    return {
      write(bytes) {
        if (ending || subscription.isOver()) return false;
        // All subscribers share the bytes, and a reader may detach the buffer of those that it gets.
        controller.enqueue(bytes.slice());
        full = waitingBytes(controller) >= HIGH_WATER_BYTES;
        if (full) pause.end();
        return !full;
      },
      end() {
        ending = true;
        pause.end();
        if (!subscription.isOver() && waitingBytes(controller) === 0) close(controller);
      },
      destroy() {
        if (subscription.isOver()) return;
        subscription.finish();
        // A runtime that writes to a response of Node cancels the body when the response is closed, and prints nothing.
        if (res) cutOff(res);
        // Bun prints every error, but not `undefined`.
        else controller.error(isBun() ? undefined : readerTooSlow());
      },
    };
  }

  function close(controller: Controller): void {
    if (subscription.isOver()) return;
    controller.close();
    subscription.finish();
  }

  const source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> = {
    start(controller) {
      onAbort(signal, () => close(controller));
    },
    // The high-water mark is 0, so this is called only when a reader waits and no bytes are left for it.
    pull(controller) {
      if (ending) close(controller);
      else if (!subscription.hasBegun()) subscription.begin(sinkOf(controller));
      else if (full) {
        full = false;
        subscription.drained();
      }
      return ending || full ? undefined : pause.begin();
    },
    cancel: () => subscription.finish(),
  };
  // A stream of the type "bytes" transfers the buffer of each frame, which takes longer than to copy it.
  return new ReadableStream(source, new ByteLengthQueuingStrategy({ highWaterMark: 0 }));
}

/** Lets `pull` wait. Without a pause, the stream would call it and wait for it at each read. */
function createPause(): { begin(): Promise<void>; end(): void } {
  let resume = (): void => {};
  return {
    begin: () =>
      new Promise((resolve) => {
        resume = resolve;
      }),
    end: () => resume(),
  };
}

function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
}

/** The bytes that were enqueued and not read. The high-water mark is 0, so they are what `desiredSize` is below it. */
function waitingBytes(controller: Controller): number {
  return -(controller.desiredSize ?? 0);
}
