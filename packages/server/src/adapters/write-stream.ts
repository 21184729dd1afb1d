import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Sink, StreamAnswer, Subscription } from "../core/http/types.js";
import { attempt } from "./guarded-subscription.js";
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
  const cut = () => cutOff(writer);
  const socket = chunkedSocket(writer);
  let subscription: Subscription | undefined;
  const onDrain = () => attempt(cut, () => subscription?.drained());
  const sink: Sink = {
    write: socket ? chunkWriter(writer, socket, onDrain) : responseWriter(writer, onDrain),
    end: () => void writer.end(),
    destroy: cut,
  };
  try {
    subscription = answer.subscribe(sink);
  } catch (error) {
    cut();
    throw error;
  }
  const onClosed = () => {
    socket?.off("drain", onDrain);
    attempt(cut, () => subscription?.closed());
  };
  // After an end both events come, after a cut only `close`. `closed` is idempotent.
  writer.on("finish", onClosed);
  writer.on("close", onClosed);
}

/**
 * Writes chunks to a socket. Most streams never wait, so the listener is added when one does.
 *
 * Express gives each response a hidden class of its own, so that to look at two flags of it would take a quarter of the
 * time of a frame.
 */
function chunkWriter(writer: Writer, socket: Socket, onDrain: () => void): Sink["write"] {
  let isEnded = writer.writableEnded;
  // The app may end the response, and the next one may own the socket. Node emits this within the call of `end`.
  writer.once("prefinish", () => {
    isEnded = true;
  });
  return (bytes, chunk) => {
    if (isEnded || socket.destroyed) return false;
    const hasRoom = chunk === undefined ? writer.write(bytes) : socket.write(chunk);
    if (!hasRoom) socket.once("drain", onDrain);
    return hasRoom;
  };
}

/** Writes frames to a response. */
function responseWriter(writer: Writer, onDrain: () => void): Sink["write"] {
  return (bytes) => {
    if (isClosed(writer)) return false;
    const hasRoom = writer.write(bytes);
    writer.flush?.();
    if (!hasRoom) writer.once("drain", onDrain);
    return hasRoom;
  };
}

/**
 * The socket of a response, if chunks of the coding of HTTP/1.1 can be written to it directly. `res.write` makes three
 * pieces of each frame and looks at a dozen flags, which takes more than half of the time of a fan-out. It can't be
 * passed by if something else must see the bytes, such as compression, which replaces `write`, or if the body is not
 * chunked, as in HTTP/1.0 and HTTP/2.
 */
function chunkedSocket(writer: Writer): Socket | undefined {
  const { socket, headersSent, chunkedEncoding } = writer;
  const isPlain = headersSent && chunkedEncoding && hasOwnWrite(writer);
  return isPlain && typeof socket?.cork === "function" ? socket : undefined;
}

/** Whether `write` is the one of Node, the innermost of the prototypes, and not one of middleware. */
export function hasOwnWrite(writer: ServerResponse): boolean {
  let innermost: unknown;
  for (let object: object = writer; object; object = Object.getPrototypeOf(object))
    innermost = Object.getOwnPropertyDescriptor(object, "write")?.value ?? innermost;
  return writer.write === innermost;
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

/** Ends a response without completing it. */
export function cutOff(res: NodeExchange["res"]): void {
  // HTTP/2 resets the stream only for an error; without one the stream looks complete. Over HTTP/1 the error would
  // reach the app as a failure of its client.
  if ("stream" in res) (res as unknown as Writer).destroy(readerTooSlow());
  else res.destroy();
}
