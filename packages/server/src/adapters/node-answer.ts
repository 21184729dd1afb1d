import type { ServerResponse } from "node:http";
import { ProgressError } from "@emlinh/progress-protocol";
import type { Answer, BodyAnswer, Sink, StreamAnswer } from "../core/http/types.js";
import { isOver, type NodeCall, type NodeExchange, nodeFacts } from "./node-exchange.js";
import { type ProgressHandler, release } from "./progress-handler.js";
import { mergeVary } from "./vary.js";

/** What is written to. HTTP/2's responses have all of it too, though their types don't tell. */
type Writer = ServerResponse & {
  /** Added by middleware that compresses. */
  flush?: () => void;
};

/** Answers one request. Rejects only as {@link sendAnswer} throws. */
export async function answerNode(progress: ProgressHandler, call: NodeCall): Promise<void> {
  sendAnswer(call.exchange, await progress.handle(nodeFacts(call)));
}

/**
 * Writes an answer of the core. Headers that were set before stay, but for those that the answer sets itself.
 *
 * @throws what `setHeader` throws if somebody else has begun to answer; the subscriber's place is given back before.
 */
export function sendAnswer(exchange: NodeExchange, answer: Answer): void {
  if (answer.kind === "body") sendBody(exchange, answer);
  else sendStream(exchange, answer);
}

/** Writes a stream: headers at once, then frames as they come, until either side ends it. */
function sendStream(exchange: NodeExchange, answer: StreamAnswer): void {
  const writer = exchange.res as Writer;
  if (isOver(writer)) {
    release(answer);
    return;
  }
  try {
    setHead(exchange, answer);
    keepOpen(exchange);
    if (exchange.req.method === "HEAD") writer.end();
    else writer.flushHeaders();
  } catch (error) {
    release(answer);
    throw error;
  }
  if (writer.writableEnded) release(answer);
  else subscribe(writer, answer);
}

function subscribe(writer: Writer, answer: StreamAnswer): void {
  const subscription = answer.subscribe(nodeSink(writer));
  writer.on("drain", () => subscription.drained());
  // After an end both come, after a cut only `close`; `closed` may be called twice.
  writer.once("finish", () => subscription.closed());
  writer.once("close", () => subscription.closed());
}

function sendBody(exchange: NodeExchange, answer: BodyAnswer): void {
  const { res } = exchange;
  if (isOver(res)) return;
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
  leaveConnectionUnsaid(exchange);
}

/** Keeps Node from adding `Connection: keep-alive`, which HTTP/1.1 means anyway (P40). A `close`, Node's or the app's, stays. */
export function leaveConnectionUnsaid({ req, res }: NodeExchange): void {
  const isPersistent = "shouldKeepAlive" in res && res.shouldKeepAlive;
  if (isPersistent && req.httpVersion === "1.1" && !res.hasHeader("connection"))
    res.removeHeader("connection");
}

/** A stream may be silent for long, and its frames are small. */
function keepOpen({ req, res }: NodeExchange): void {
  if ("stream" in res) {
    // Its socket belongs to the session, and refuses to be changed.
    res.stream.setTimeout(0);
    return;
  }
  // A test's injected request has a socket in name only.
  req.socket?.setTimeout?.(0);
  req.socket?.setNoDelay?.(true);
}

function nodeSink(writer: Writer): Sink {
  return {
    write(bytes) {
      if (isOver(writer)) return false;
      const hasRoom = writer.write(bytes);
      writer.flush?.();
      return hasRoom;
    },
    end: () => {
      writer.end();
    },
    destroy: () => cut(writer),
  };
}

function cut(writer: Writer): void {
  // Over HTTP/2 only an error resets the stream: without one it would seem to have ended well. Over HTTP/1 one would be told to the app as its client's.
  const error = new ProgressError("closed", { message: "The reader took nothing for too long." });
  writer.destroy("stream" in writer ? error : undefined);
}
