import type { ServerResponse } from "node:http";
import type { Sink, StreamAnswer, Subscription } from "../core/http/types.js";
import { guardSubscription } from "./guarded-subscription.js";
import { isClosed, type NodeExchange } from "./node-exchange.js";
import { readerTooSlow } from "./reader-too-slow.js";

/** The response that frames are written to. HTTP/2 responses have all of this too, although their types do not. */
type Writer = ServerResponse & {
  /** Added by compression middleware. */
  flush?: () => void;
};

/** TCP probes a silent peer after this long. */
const PROBE_AFTER_MS = 30_000;

/**
 * Writes the frames of a stream as they come, until either side ends it. The headers must be sent.
 *
 * @throws the error of the core if it can't make the first frames. The response is cut then.
 */
export function writeStream({ res }: NodeExchange, answer: StreamAnswer): void {
  const writer = res as Writer;
  const subscription = subscribe(writer, answer);
  writer.on("drain", () => subscription.drained());
  // After an end both events come, after a cut only `close`. `closed` is idempotent.
  writer.once("finish", () => subscription.closed());
  writer.once("close", () => subscription.closed());
}

function subscribe(writer: Writer, answer: StreamAnswer): Subscription {
  const cut = () => cutOff(writer);
  try {
    return guardSubscription(answer.subscribe(nodeSink(writer)), cut);
  } catch (error) {
    cut();
    throw error;
  }
}

/**
 * Prepares a connection for a stream: turns off its time limit, because a stream may be silent for long, and the delay
 * of small packets, and turns on the probes that find a dead peer.
 */
export function keepOpen({ req, res }: NodeExchange): void {
  if ("stream" in res) {
    // The socket of an HTTP/2 session throws on these calls.
    res.stream.setTimeout(0);
    return;
  }
  // A request that a test injects has a socket without these methods.
  req.socket?.setTimeout?.(0);
  req.socket?.setNoDelay?.(true);
  req.socket?.setKeepAlive?.(true, PROBE_AFTER_MS);
}

function nodeSink(writer: Writer): Sink {
  return {
    write(bytes) {
      if (isClosed(writer)) return false;
      const hasRoom = writer.write(bytes);
      writer.flush?.();
      return hasRoom;
    },
    end: () => {
      writer.end();
    },
    destroy: () => cutOff(writer),
  };
}

/** Ends a response without completing it. */
export function cutOff(res: NodeExchange["res"]): void {
  // HTTP/2 resets the stream only for an error; without one the stream looks complete. Over HTTP/1 the error would
  // reach the app as a failure of its client.
  if ("stream" in res) (res as unknown as Writer).destroy(readerTooSlow());
  else res.destroy();
}
