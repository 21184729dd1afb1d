import { once } from "node:events";
import type http from "node:http";
import { Readable } from "node:stream";

/** A route handler of Next.js. */
type RouteHandler = (
  request: Request,
  context: { readonly params: Promise<Record<string, string>> },
) => Promise<Response>;

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
    const params = Promise.resolve({ path: "job" });
    const response = await handler(request, { params }).catch(() => new Response(null, FAILED));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body) await pipe(response.body, outgoing, left.signal);
    else outgoing.end();
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
