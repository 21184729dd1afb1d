import http from "node:http";
import type { AddressInfo } from "node:net";
import {
  applyDelta,
  byeFrame,
  type Delta,
  deltaAfter,
  deltaFrame,
  deltaOfChange,
  emptyReplica,
  type Fields,
  heartbeatFrame,
  helloFrame,
  type NewLogLine,
  type Replica,
  toWire,
} from "@emlinh/progress-protocol";

/** One request that the server received, and its response. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly accept: "stream" | "json";
  readonly response: http.ServerResponse;
  /** Resolves when the socket has closed. */
  readonly gone: Promise<void>;
}

/** Answers a request instead of the server; `false` leaves it to the server. */
type Interceptor = (request: ReceivedRequest) => boolean | undefined | Promise<boolean | undefined>;

/** A real HTTP server with real jobs, kept in the protocol's own replicas, that can be made to misbehave. */
export interface JobServer {
  readonly baseUrl: string;
  readonly requests: ReceivedRequest[];
  /** Called before each answer. */
  intercept: Interceptor | undefined;
  heartbeatMs: number;
  retryMs: number;
  /** Creates a job at its first version. */
  create(jobId: string, set?: Fields): void;
  write(jobId: string, set: Fields, log?: readonly NewLogLine[]): void;
  /** Returns the delta after a cursor. */
  read(jobId: string, after?: string): Delta;
  /** The streams that are open now. */
  streams(): http.ServerResponse[];
  /** Answers with a stream: its first frames, and later ones as the job changes. */
  stream(request: ReceivedRequest, jobId: string): void;
  heartbeat(): void;
  bye(retryMs: number): void;
  /** Destroys every open stream without a last frame. */
  cut(): void;
  /** Resolves with the request number `count`, from 1, now or when it arrives. */
  request(count: number): Promise<ReceivedRequest>;
  close(): Promise<void>;
}

interface OpenStream {
  readonly jobId: string;
  readonly response: http.ServerResponse;
  cursor: string | undefined;
}

interface HeldPoll {
  readonly jobId: string;
  answer(): void;
}

export async function startJobServer(): Promise<JobServer> {
  const replicas = new Map<string, Replica>();
  const streams = new Set<OpenStream>();
  const held = new Set<HeldPoll>();
  const waiting: { count: number; resolve(request: ReceivedRequest): void }[] = [];
  let epochs = 0;

  function push(stream: OpenStream): void {
    const delta = server.read(stream.jobId, stream.cursor);
    if (!delta.reset && delta.cursor === stream.cursor) return;
    stream.cursor = delta.cursor;
    stream.response.write(deltaFrame(delta));
    if (delta.done) {
      streams.delete(stream);
      stream.response.end();
    }
  }

  function json(response: http.ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  function handle(request: ReceivedRequest): void {
    const [jobId = "", verb] = request.url.pathname.slice("/api/".length).split("/");
    if (!replicas.has(jobId)) {
      const problem = { status: 404, detail: `There is no job ${jobId}.`, code: "job-not-found" };
      json(request.response, 404, problem);
    } else if (verb === "cancel") {
      server.write(jobId, { cancelRequested: true, status: "cancelled" });
      json(request.response, 202, { jobId, status: "cancelled", cancelRequested: true });
    } else if (request.accept === "stream") server.stream(request, jobId);
    else poll(request, jobId);
  }

  function poll({ url, response }: ReceivedRequest, jobId: string): void {
    const after = url.searchParams.get("after") ?? "";
    const answer = (): void =>
      json(response, 200, { ...toWire(server.read(jobId, after)), now: Date.now() });
    const nothingNew = server.read(jobId, after).cursor === after;
    if (!nothingNew || !url.searchParams.has("wait")) {
      answer();
      return;
    }
    const entry = { jobId, answer };
    held.add(entry);
    response.on("close", () => held.delete(entry));
  }

  async function serve(
    message: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    let body = "";
    for await (const chunk of message.setEncoding("utf8")) body += chunk;
    const request: ReceivedRequest = {
      method: message.method ?? "",
      url: new URL(message.url ?? "", "http://localhost"),
      headers: message.headers,
      body,
      accept: message.headers.accept?.includes("event-stream") ? "stream" : "json",
      response,
      gone: new Promise((resolve) => response.on("close", resolve)),
    };
    server.requests.push(request);
    for (const { count, resolve } of waiting)
      if (server.requests.length === count) resolve(request);
    if (!(await server.intercept?.(request))) handle(request);
  }

  const listener = http.createServer((message, response) => {
    serve(message, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));

  const server: JobServer = {
    baseUrl: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/api`,
    requests: [],
    intercept: undefined,
    heartbeatMs: 30_000,
    retryMs: 1,
    create(jobId, set = {}) {
      epochs += 1;
      const replica = emptyReplica(`epoch${epochs}`);
      replicas.set(jobId, replica);
      change(replica, { kind: "video", status: "running", createdAt: 0, updatedAt: 0, ...set });
    },
    write(jobId, set, log = []) {
      change(replicaOf(jobId), set, log);
      for (const stream of [...streams]) if (stream.jobId === jobId) push(stream);
      for (const poll of [...held]) if (poll.jobId === jobId) poll.answer();
    },
    read: (jobId, after) => deltaAfter(replicaOf(jobId), after),
    streams: () => [...streams].map(({ response }) => response),
    stream({ url, response }, jobId) {
      const after = url.searchParams.get("after") ?? undefined;
      const { cursor, done } = server.read(jobId, after);
      if (cursor === after && done) {
        response.writeHead(204).end();
        return;
      }
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      const hello = { protocol: 1, heartbeatMs: server.heartbeatMs, cursor, now: Date.now() };
      response.write(helloFrame(hello, server.retryMs));
      const stream: OpenStream = { jobId, response, cursor: after };
      streams.add(stream);
      response.on("close", () => streams.delete(stream));
      push(stream);
    },
    heartbeat() {
      for (const { response, cursor } of streams)
        response.write(heartbeatFrame({ cursor: cursor ?? "", now: Date.now() }));
    },
    bye(retryMs) {
      for (const stream of [...streams]) {
        streams.delete(stream);
        stream.response.end(byeFrame({ reason: "drain", retryMs }));
      }
    },
    cut() {
      for (const { response } of [...streams]) response.destroy();
    },
    request(count) {
      const earlier = server.requests[count - 1];
      if (earlier) return Promise.resolve(earlier);
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    async close() {
      const closed = new Promise((resolve) => listener.close(resolve));
      listener.closeAllConnections();
      await closed;
    },
  };

  function change(replica: Replica, set: Fields, log: readonly NewLogLine[] = []): void {
    const delta = deltaOfChange(replica, { set, log });
    if (delta) applyDelta(replica, delta);
  }

  function replicaOf(jobId: string): Replica {
    const replica = replicas.get(jobId);
    if (!replica) throw new Error(`The test did not create the job "${jobId}".`);
    return replica;
  }

  return server;
}
