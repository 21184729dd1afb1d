import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { pipeline, type Readable } from "node:stream";
import { createGunzip, constants as zlib } from "node:zlib";

/** One frame as it was written. */
export interface ReadFrame {
  readonly event: string;
  readonly id: string | undefined;
  readonly retry: string | undefined;
  readonly data: Record<string, unknown>;
}

/** An answer. Its body is read only as far as the test reads it. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The next frame, or `undefined` at the end of the stream. */
  frame(): Promise<ReadFrame | undefined>;
  /** The frames that were not read yet. */
  rest(): Promise<ReadFrame[]>;
  /** The whole body. */
  text(): Promise<string>;
  json(): Promise<Record<string, unknown>>;
  /** Disconnects without ending the request properly. */
  abort(): void;
  /** Resolves when the response is closed on this side. */
  readonly gone: Promise<void>;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Client {
  ask(path: string, ask?: Ask): Promise<Reply>;
  /** Sends a request without waiting for its answer. `gone` resolves when the client's side is closed. */
  send(path: string, ask?: Ask): { abort(): void; readonly gone: Promise<void> };
  close(): void;
}

/** A client of `node:http` with persistent connections. */
export function http1Client(origin: string): Client {
  const agent = new http.Agent({ keepAlive: true });
  const begin = (path: string, { method = "GET", headers = {}, body }: Ask = {}) => {
    const request = http.request(`${origin}${path}`, { agent, method, headers });
    request.end(body);
    return request;
  };
  return {
    async ask(path, ask) {
      const request = begin(path, ask);
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      response.on("error", () => {});
      return reply({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: response,
        abort: () => request.destroy(),
      });
    },
    send(path, ask) {
      const request = begin(path, ask);
      request.on("error", () => {});
      const gone = new Promise<void>((resolve) => request.once("close", resolve));
      return { abort: () => request.destroy(), gone };
    },
    close: () => agent.destroy(),
  };
}

/** A client of `node:http2` without TLS, and without a fallback to HTTP/1. */
export function http2Client(origin: string): Client {
  const session = http2.connect(origin);
  session.on("error", () => {});
  const begin = (path: string, { method = "GET", headers = {}, body }: Ask = {}) => {
    const stream = session.request({ ":path": path, ":method": method, ...headers });
    stream.end(body);
    return stream;
  };
  return {
    async ask(path, ask) {
      const stream = begin(path, ask);
      const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
      stream.on("error", () => {});
      return reply({
        status: Number(headers[":status"]),
        headers,
        body: stream,
        abort: () => stream.close(http2.constants.NGHTTP2_CANCEL),
      });
    },
    send(path, ask) {
      const stream = begin(path, ask);
      stream.on("error", () => {});
      const gone = new Promise<void>((resolve) => stream.once("close", resolve));
      return { abort: () => stream.close(http2.constants.NGHTTP2_CANCEL), gone };
    },
    close: () => session.destroy(),
  };
}

interface Raw {
  readonly status: number;
  readonly headers: Reply["headers"];
  readonly body: Readable;
  readonly abort: () => void;
}

function reply({ status, headers, body, abort }: Raw): Reply {
  const chunks = chunksOf(body, headers["content-encoding"]);
  const frames = framesOf(chunks);
  const text = async () => {
    let whole = "";
    for await (const chunk of chunks) whole += chunk;
    return whole;
  };
  return {
    status,
    headers,
    frame: async () => (await frames.next()).value,
    async rest() {
      const rest: ReadFrame[] = [];
      for await (const frame of frames) rest.push(frame);
      return rest;
    },
    text,
    gone: new Promise((resolve) => body.once("close", resolve)),
    json: async () => JSON.parse(await text()),
    abort,
  };
}

/** Lazy: it reads nothing from the socket before the first `next()`, and then only as much as the buffers hold. */
async function* chunksOf(
  body: Readable,
  encoding: string | string[] | undefined,
): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  const plain =
    encoding === "gzip"
      ? pipeline(body, createGunzip({ flush: zlib.Z_SYNC_FLUSH }), () => {})
      : body;
  for await (const chunk of plain) yield decoder.decode(chunk as Uint8Array, { stream: true });
}

async function* framesOf(chunks: AsyncIterable<string>): AsyncGenerator<ReadFrame, undefined> {
  let text = "";
  for await (const chunk of chunks) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield parse(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
  if (text !== "") throw new Error(`The stream ends inside a frame: ${text.slice(0, 200)}`);
}

function parse(frame: string): ReadFrame {
  const fields = new Map(
    frame.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
  );
  return {
    event: fields.get("event") ?? "",
    id: fields.get("id"),
    retry: fields.get("retry"),
    data: JSON.parse(fields.get("data") ?? "null"),
  };
}
