import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { RequestClient, RequestFacts } from "../core/http/types.js";
import type { Target } from "./mount.js";
import { readNodeBody } from "./stream-body.js";

/** A request of `node:http`, `node:https` or `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A response of `node:http`, `node:https` or `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** A request and its response. */
export interface NodeExchange {
  readonly req: NodeRequest;
  readonly res: NodeResponse;
}

/** A request to the progress handler, with its target below the mount point. */
export interface NodeCall {
  readonly exchange: NodeExchange;
  readonly target: Target;
  /** The request of the framework. */
  readonly raw: unknown;
}

/** The facts of a Node request that the core needs. */
export function nodeFacts(
  { exchange: { req }, target, raw }: NodeCall,
  life: Required<RequestClient>,
): RequestFacts {
  return {
    method: (req.method ?? "GET").toUpperCase(),
    ...target,
    header: (name) => headerOf(req, name.toLowerCase()),
    raw,
    connection: life.connection,
    body: (limits) => readNodeBody(req, limits),
    isGone: life.isGone,
    get signal() {
      return life.signal;
    },
  };
}

/** Whether nothing more can be written, because the client has left or the response was ended. */
export function isClosed(res: NodeResponse): boolean {
  if (res.writableEnded) return true;
  return "stream" in res ? res.stream.destroyed : res.destroyed;
}

/** An `error` event without a listener ends the process. Ignoring it is safe, because `close` follows. */
export function ignoreErrors({ req, res }: NodeExchange): void {
  res.on("error", ignore);
  req.on("error", ignore);
}

function ignore(): void {}

function headerOf(req: NodeRequest, name: string): string | undefined {
  // HTTP/2 has `:authority` where HTTP/1 has `host`.
  const value = req.headers[name] ?? (name === "host" ? req.headers[":authority"] : undefined);
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" ? value : undefined;
}
