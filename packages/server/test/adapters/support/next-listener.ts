import { once } from "node:events";
import type http from "node:http";
import { Readable } from "node:stream";
import type { NextContext, NextHandlers } from "../../../src/adapters/next.js";
import { BASE } from "./host.js";

/** A route handler of Next.js. */
type RouteHandler = (request: Request, context: NextContext) => Promise<Response>;

const FAILED = { status: 500 };

/**
 * Calls a route handler as Next.js does: with the `Request` of Node, its body as a stream, and the parameters of the
 * route. It aborts the signal when the response is closed, and pipes the body into the response.
 */
export function nextListener(handler: RouteHandler): http.RequestListener {
  return async (incoming, outgoing) => {
    const left = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) left.abort();
    });
    const url = `http://${incoming.headers.host}${incoming.url}`;
    const headers = Object.entries(incoming.headers).map(([name, value]) => [name, `${value}`]);
    const { method = "GET" } = incoming;
    const hasBody = method !== "GET" && method !== "HEAD";
    const request = new Request(url, {
      method,
      body: hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null,
      // Required for a stream, and unknown to the types of the DOM.
      ...({ duplex: "half" } as object),
      headers: headers as [string, string][],
      signal: left.signal,
    });
    const params = Promise.resolve({});
    const response = await handler(request, { params }).catch(() => new Response(null, FAILED));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body) await pipe(response.body, outgoing, left.signal);
    else outgoing.end();
  };
}

/**
 * Finds the handler of an optional catch-all route at `BASE`, as Next.js does, and decodes the parameter. Next.js
 * itself refuses a method without a handler; here the core does.
 */
export function nextRoute(handlers: NextHandlers): RouteHandler {
  return async (request, context) => {
    const [above, below = "-"] = new URL(request.url).pathname.split(BASE);
    if (above !== "" || !/^(\/|$)/.test(below)) return new Response(null, { status: 404 });
    const path = below.split("/").filter(Boolean).map(decodeURIComponent);
    const params = path.length > 0 ? Promise.resolve({ path }) : context.params;
    const handler = handlers[request.method as keyof NextHandlers] ?? handlers.GET;
    return handler(request, { params });
  };
}

/** Prints every error but those that say that the client has left. */
async function pipe(
  body: ReadableStream<Uint8Array>,
  outgoing: http.ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  try {
    await body.pipeTo(writerOf(outgoing), { signal });
  } catch (error) {
    if ((error as Error).name !== "AbortError") console.error(error);
  }
}

function writerOf(outgoing: http.ServerResponse): WritableStream<Uint8Array> {
  const closed = once(outgoing, "close");
  return new WritableStream({
    async write(chunk) {
      if (!outgoing.write(chunk)) await Promise.race([once(outgoing, "drain"), closed]);
    },
    close() {
      outgoing.end();
    },
    abort(reason) {
      if (!outgoing.writableFinished) outgoing.destroy(reason);
    },
  });
}
