import http from "node:http";
import type { AddressInfo } from "node:net";

/** A fault that the proxy applies to one answer. Byte counts refer to the body of the answer. */
export type Fault =
  | { readonly kind: "pass" }
  /** Closes the connection without an answer. */
  | { readonly kind: "refuse" }
  /** Accepts the request and never answers. */
  | { readonly kind: "swallow" }
  /** Passes this number of bytes, then destroys the connection. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** Passes this number of bytes, then nothing. The connection stays open. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** Holds bytes back until it has this number, as a buffering proxy does. */
  | { readonly kind: "buffer"; readonly untilBytes: number }
  /** Answers without the server. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

/** The facts of a request that a fault can depend on. */
export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  /** Whether it asks for a stream. */
  readonly stream: boolean;
  /** Counts the requests of its kind (stream or not), from 0. */
  readonly index: number;
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number;
}

/** A running proxy. */
export interface FaultProxy {
  readonly url: string;
  /** Sets the function that chooses the fault of each later request. */
  setFaults(choose: (request: ProxiedRequest) => Fault): void;
  /** Destroys every open connection. */
  cutAll(): void;
  /** The streams that are open between clients and the proxy. */
  readonly openStreams: number;
  /** All requests so far. */
  readonly requests: readonly ProxiedRequest[];
  close(): Promise<void>;
}

/** Starts an HTTP proxy in front of a server. @param target - Returns the URL of the server. */
export async function startFaultProxy(target: () => string): Promise<FaultProxy> {
  let choose: (request: ProxiedRequest) => Fault = () => ({ kind: "pass" });
  const requests: ProxiedRequest[] = [];
  const streams = new Set<http.IncomingMessage>();
  const server = http.createServer((request, response) => {
    const stream = request.headers.accept?.includes("text/event-stream") ?? false;
    const index = requests.filter((earlier) => earlier.stream === stream).length;
    const facts = {
      method: request.method ?? "GET",
      url: request.url ?? "/",
      stream,
      index,
      at: Date.now(),
    };
    requests.push(facts);
    if (stream) {
      streams.add(request);
      response.on("close", () => streams.delete(request));
    }
    handle(choose(facts), request, response, new URL(target()));
  });
  const sockets = new Set<{ destroy(): unknown }>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get openStreams() {
      // A response whose connection was destroyed may close later, or not at all.
      return [...streams].filter(({ socket }) => !socket.destroyed).length;
    },
    cutAll,
    setFaults: (next) => {
      choose = next;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cutAll();
      await closed;
    },
  };
}

function handle(
  fault: Fault,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  target: URL,
): void {
  if (fault.kind === "refuse") return void request.socket.destroy();
  if (fault.kind === "swallow") return;
  if (fault.kind === "answer") {
    response.writeHead(fault.status, fault.headers);
    response.end(fault.body);
    return;
  }
  const upstream = http.request({
    host: target.hostname,
    port: target.port,
    method: request.method,
    path: request.url,
    headers: request.headers,
  });
  // A server that is down looks like a refused connection. A client that leaves closes the connection to the server as
  // well.
  upstream.on("error", () => request.socket.destroy());
  response.on("close", () => upstream.destroy());
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.on("error", () => request.socket.destroy());
    answer.on("close", () => {
      if (!answer.complete) request.socket.destroy();
    });
    relay(fault, answer, response);
  });
  request.pipe(upstream);
}

function relay(
  fault: Exclude<Fault, { kind: "refuse" | "swallow" | "answer" }>,
  answer: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  let passed = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  answer.on("data", (chunk: Buffer) => {
    if (fault.kind === "pass") return void response.write(chunk);
    if (fault.kind === "buffer") {
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes < fault.untilBytes) return;
      response.write(Buffer.concat(held));
      held = [];
      heldBytes = 0;
      return;
    }
    const rest = fault.afterBytes - passed;
    if (rest > 0) response.write(chunk.subarray(0, rest));
    passed += chunk.length;
    // The bytes before the cut must arrive. Destroying the response at once would drop the bytes in its buffer.
    if (fault.kind === "cut" && passed >= fault.afterBytes) {
      answer.pause();
      response.write("", () => response.destroy());
    }
  });
  answer.on("end", () => {
    if (fault.kind === "stall") return;
    response.end(Buffer.concat(held));
  });
}
