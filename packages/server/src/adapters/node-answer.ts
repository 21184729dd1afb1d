import type { ServerResponse } from "node:http";
import type { Answer, BodyAnswer, Sink, StreamAnswer } from "../core/http/types.js";
import { discardStream } from "./discard-stream.js";
import { isClosed, type NodeCall, type NodeExchange, nodeFacts } from "./node-exchange.js";
import type { ProgressHandler } from "./progress-handler.js";
import { readerTooSlow } from "./reader-too-slow.js";
import { mergeVary } from "./vary.js";

/** The response that frames are written to. HTTP/2 responses have all of this too, although their types do not. */
type Writer = ServerResponse & {
  /** Added by compression middleware. */
  flush?: () => void;
};

/** Answers one request. Rejects only as {@link sendAnswer} throws. */
export async function answerNode(progress: ProgressHandler, call: NodeCall): Promise<void> {
  sendAnswer(call.exchange, await progress.handle(nodeFacts(call)));
}

/**
 * Writes an answer of the core. It keeps the headers that were set before, except those that the answer sets itself.
 *
 * @throws the error of `setHeader` if other code has already begun the response. The stream's slot is free then.
 */
export function sendAnswer(exchange: NodeExchange, answer: Answer): void {
  if (answer.kind === "body") sendBody(exchange, answer);
  else sendStream(exchange, answer);
}

/** Writes the headers of a stream at once, then its frames as they come, until either side ends it. */
function sendStream(exchange: NodeExchange, answer: StreamAnswer): void {
  const writer = exchange.res as Writer;
  if (isClosed(writer)) {
    discardStream(answer);
    return;
  }
  try {
    setHead(exchange, answer);
    keepOpen(exchange);
    if (exchange.req.method === "HEAD") writer.end();
    else writer.flushHeaders();
  } catch (error) {
    discardStream(answer);
    throw error;
  }
  if (writer.writableEnded) discardStream(answer);
  else subscribe(writer, answer);
}

function subscribe(writer: Writer, answer: StreamAnswer): void {
  const subscription = answer.subscribe(nodeSink(writer));
  writer.on("drain", () => subscription.drained());
  // After an end both events come, after a cut only `close`. `closed` is idempotent.
  writer.once("finish", () => subscription.closed());
  writer.once("close", () => subscription.closed());
}

function sendBody(exchange: NodeExchange, answer: BodyAnswer): void {
  const { res } = exchange;
  if (isClosed(res)) return;
  setHead(exchange, answer);
  if (answer.body === null) res.end();
  else res.end(answer.body);
}

function setHead(exchange: NodeExchange, answer: Answer): void {
  const { res } = exchange;
  res.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) {
    res.setHeader(name, name === "vary" ? mergeVary(res.getHeader(name), value) : value);
  }
  omitConnectionHeader(exchange);
}

/**
 * Keeps Node from adding `Connection: keep-alive`, which is the default of HTTP/1.1 (P40). Node or the app may still
 * send `Connection: close`.
 */
export function omitConnectionHeader({ req, res }: NodeExchange): void {
  const isPersistent = "shouldKeepAlive" in res && res.shouldKeepAlive;
  if (isPersistent && req.httpVersion === "1.1" && !res.hasHeader("connection"))
    res.removeHeader("connection");
}

/** Turns off the socket's time limit, because a stream may be silent for long, and its delay of small packets. */
function keepOpen({ req, res }: NodeExchange): void {
  if ("stream" in res) {
    // The socket of an HTTP/2 session throws on these calls.
    res.stream.setTimeout(0);
    return;
  }
  // A request that a test injects has a socket without these methods.
  req.socket?.setTimeout?.(0);
  req.socket?.setNoDelay?.(true);
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

function cutOff(writer: Writer): void {
  // HTTP/2 resets the stream only for an error; without one the stream looks complete. Over HTTP/1 the error would
  // reach the app as a failure of its client.
  writer.destroy("stream" in writer ? readerTooSlow() : undefined);
}
