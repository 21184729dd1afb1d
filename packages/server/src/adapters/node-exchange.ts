import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { RequestFacts } from "../core/http/types.js";
import type { Target } from "./mount.js";

/** A request of `node:http`, `node:https` or `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A response of `node:http`, `node:https` or `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** A request and its response. */
export interface NodeExchange {
  readonly req: NodeRequest;
  readonly res: NodeResponse;
}

/** A request, ready to be told to the core. */
export interface NodeCall {
  readonly exchange: NodeExchange;
  readonly target: Target;
  /** The framework's own request. */
  readonly raw: unknown;
}

/** What the core must know of a Node request. */
export function nodeFacts({ exchange, target, raw }: NodeCall): RequestFacts {
  const { req } = exchange;
  return {
    method: (req.method ?? "GET").toUpperCase(),
    ...target,
    header: (name) => headerOf(req, name.toLowerCase()),
    raw,
    signal: goneSignal(exchange),
  };
}

/** Whether nothing more can be written: the client is gone, or somebody else has answered. */
export function isOver(res: NodeResponse): boolean {
  if (res.writableEnded) return true;
  return "stream" in res ? res.stream.destroyed : res.destroyed;
}

function headerOf(req: NodeRequest, name: string): string | undefined {
  // HTTP/2 has `:authority` where HTTP/1 has `host`.
  const value = req.headers[name] ?? (name === "host" ? req.headers[":authority"] : undefined);
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" ? value : undefined;
}

/** Aborts if the connection ends before the response does. */
function goneSignal({ req, res }: NodeExchange): AbortSignal {
  const gone = new AbortController();
  const abortUnlessAnswered = () => {
    if (!res.writableEnded) gone.abort();
  };
  if (isOver(res)) gone.abort();
  else res.once("close", abortUnlessAnswered);
  // An `error` that nobody listens to ends the process. Losing it is safe: `close` follows, and that is acted on.
  res.on("error", () => {});
  req.on("error", () => {});
  return gone.signal;
}
