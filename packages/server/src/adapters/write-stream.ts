import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Sink, StreamAnswer, Subscription } from "../core/http/types.js";
import { attempt } from "./guarded-subscription.js";
import { destroyOnceClosed } from "./leftover-stream.js";
import { isClosed, type NodeExchange } from "./node-exchange.js";
import { readerTooSlow } from "./reader-too-slow.js";

/** The response that frames are written to. HTTP/2 responses have all of this too, although their types do not. */
type Writer = ServerResponse & {
  /** Added by compression middleware. */
  flush?: () => void;
};

/** TCP probes a silent peer after this long. */
const PROBE_AFTER_MS = 30_000;

/** The destination of one stream. All of them share their functions: closures would cost memory per stream. */
interface NodeSink extends Sink {
  readonly writer: Writer;
  /** `undefined` if the frames must pass through the response. */
  readonly socket: Socket | undefined;
  subscription: Subscription | undefined;
  /** Whether the app or the core has ended the response, so that the next one may own the socket. */
  isEnded: boolean;
  /** The listener for `drain`. Most streams never wait, so it is made when one does. */
  onDrain: (() => void) | undefined;
}

/**
 * Writes the frames of a stream as they come, until either side ends it. The headers must be sent.
 *
 * @throws the error of the core if it can't make the first frames. The response is cut then.
 */
export function writeStream({ res }: NodeExchange, answer: StreamAnswer): void {
  const writer = res as Writer;
  const socket = chunkedSocket(writer);
  const sink: NodeSink = {
    writer,
    socket,
    subscription: undefined,
    isEnded: writer.writableEnded,
    onDrain: undefined,
    write: writeBytes,
    writeChunk: socket && writeChunk,
    end: endResponse,
    destroy: cutResponse,
  };
  // Node emits this within the call of `end`.
  writer.on("prefinish", () => {
    sink.isEnded = true;
  });
  try {
    sink.subscription = answer.subscribe(sink);
  } catch (error) {
    cutOff(writer);
    throw error;
  }
  const onClosed = () => closed(sink);
  // After an end both events come, after a cut only `close`. `closed` is idempotent.
  writer.on("finish", onClosed);
  writer.on("close", onClosed);
}

/** To look at two flags of the response would take a quarter of the time of a frame below Express. */
function writeChunk(this: NodeSink, chunk: Uint8Array): boolean {
  const { socket } = this;
  if (this.isEnded || socket === undefined || socket.destroyed) return false;
  return socket.write(chunk) || waitForDrain(this, socket);
}

function writeBytes(this: NodeSink, bytes: Uint8Array): boolean {
  const { writer } = this;
  if (isClosed(writer)) return false;
  const hasRoom = writer.write(bytes);
  writer.flush?.();
  return hasRoom || waitForDrain(this, writer);
}

/** The listener stays: behind compression, `once` would add one for each wait, and none of them would be removed. */
function waitForDrain(sink: NodeSink, emitter: Socket | Writer): false {
  if (sink.onDrain === undefined) {
    sink.onDrain = () => attempt(sink, () => sink.subscription?.drained());
    emitter.on("drain", sink.onDrain);
  }
  return false;
}

function closed(sink: NodeSink): void {
  if (sink.onDrain) sink.socket?.off("drain", sink.onDrain);
  attempt(sink, () => sink.subscription?.closed());
}

function endResponse(this: NodeSink): void {
  destroyOnceClosed(this.writer);
  this.writer.end();
}

function cutResponse(this: NodeSink): void {
  cutOff(this.writer);
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
function hasOwnWrite(writer: ServerResponse): boolean {
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
    // The socket of an HTTP/2 session throws on the calls below.
    res.stream.setTimeout(0);
    // Emitted if the client closes the stream before the response has ended.
    res.stream.once("aborted", () => destroyOnceClosed(res));
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
