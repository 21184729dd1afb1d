import type { ServerResponse } from "node:http";
import type { Answer, BodyAnswer, StreamAnswer } from "../core/http/types.js";
import { untilTurn, watchExchange } from "./exchange-life.js";
import { discardStream } from "./guarded-subscription.js";
import {
  ignoreErrors,
  isClosed,
  type NodeCall,
  type NodeExchange,
  nodeFacts,
} from "./node-exchange.js";
import type { ProgressHandler } from "./progress-handler.js";
import { limitStall } from "./stall-limit.js";
import { mergeVary } from "./vary.js";
import { keepOpen, writeStream } from "./write-stream.js";

/**
 * Asks the core once the response may be written.
 *
 * @returns `undefined` if the connection died before, so that nobody waits for an answer.
 */
export async function askCore(
  progress: ProgressHandler,
  call: NodeCall,
): Promise<Answer | undefined> {
  ignoreErrors(call.exchange);
  const life = watchExchange(call.exchange);
  if (!(await untilTurn(call.exchange, life))) return undefined;
  const answer = await progress.handle(nodeFacts(call, life));
  life.answered();
  return answer;
}

/**
 * Writes an answer of the core. It keeps the headers that were set before, except those that the answer sets itself.
 *
 * @throws the error of `setHeader` if other code has already begun the response, or as `writeStream` does.
 */
export function sendAnswer(exchange: NodeExchange, answer: Answer): void {
  if (answer.kind === "body") sendBody(exchange, answer);
  else sendStream(exchange, answer);
}

function sendStream(exchange: NodeExchange, answer: StreamAnswer): void {
  const { res } = exchange;
  if (isClosed(res)) {
    discardStream(answer);
    return;
  }
  // The head and the first frames leave in one write.
  const socket = "stream" in res ? undefined : res.socket;
  socket?.cork?.();
  try {
    sendStreamHead(exchange, answer);
    if (res.writableEnded) discardStream(answer);
    else writeStream(exchange, answer);
  } finally {
    socket?.uncork?.();
  }
}

/** Writes the headers of a stream at once. */
function sendStreamHead(exchange: NodeExchange, answer: StreamAnswer): void {
  const { req, res } = exchange;
  try {
    setStreamHead(exchange, answer);
    keepOpen(exchange);
    if (req.method === "HEAD") res.end();
    // HTTP/2 responses have this method too, although their types do not.
    else (res as ServerResponse).flushHeaders();
  } catch (error) {
    discardStream(answer);
    throw error;
  }
}

function sendBody(exchange: NodeExchange, answer: BodyAnswer): void {
  const { res } = exchange;
  if (isClosed(res)) return;
  setHead(exchange, answer);
  limitStall(exchange, answer.stallMs);
  if (answer.body === null) res.end();
  else res.end(answer.body);
}

/** Without headers of the app, those of a stream are written at once: ten calls of `setHeader` take longer. */
function setStreamHead(exchange: NodeExchange, answer: StreamAnswer): void {
  const { res } = exchange;
  if ("stream" in res || res.getHeaderNames().length > 0) {
    setHead(exchange, answer);
    return;
  }
  omitConnectionHeader(exchange);
  res.writeHead(answer.status, answer.headers);
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
