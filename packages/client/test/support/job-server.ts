import http from "node:http";
import type { AddressInfo } from "node:net";
import {
  byeFrame,
  type Delta,
  deltaFrame,
  emptyLedger,
  type Fields,
  heartbeatFrame,
  helloFrame,
  isEnd,
  type Ledger,
  type NewLogLine,
  readLedger,
  toWire,
  writeLedger,
} from "@emlinh/progress-protocol";

/** One request that the server got, and the means to answer it. */
export interface Got {
  readonly method: string;
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly accept: "stream" | "json";
  readonly response: http.ServerResponse;
  /** Whether the client went away; set when its socket closed. */
  readonly gone: Promise<void>;
}

/** Answers a request instead of the server; `false` leaves it to the server. */
type Answer = (got: Got) => boolean | undefined | Promise<boolean | undefined>;

/** A real HTTP server with real jobs, over the protocol's own ledger and frames, that can be told to misbehave. */
export interface JobServer {
  readonly baseUrl: string;
  readonly got: Got[];
  /** Asked before each answer. */
  intercept: Answer | undefined;
  heartbeatMs: number;
  retryMs: number;
  /** Makes a job and gives it its first version. */
  create(jobId: string, set?: Fields): void;
  write(jobId: string, set: Fields, log?: readonly NewLogLine[]): void;
  /** What a reader after a cursor is told. */
  read(jobId: string, after?: string): Delta;
  /** Streams that are open now. */
  streams(): http.ServerResponse[];
  /** Sends a stream's first frames, and the later ones as they come. */
  stream(got: Got, jobId: string): void;
  heartbeat(): void;
  bye(retryMs: number): void;
  /** Destroys every open stream without a word. */
  cut(): void;
  /** Resolves with the request number `count` (from 1), now or when it comes. */
  request(count: number): Promise<Got>;
  close(): Promise<void>;
}

interface Reader {
  readonly jobId: string;
  readonly response: http.ServerResponse;
  cursor: string | undefined;
}

interface Held {
  readonly jobId: string;
  readonly after: string;
  answer(): void;
}

export async function startJobServer(): Promise<JobServer> {
  const ledgers = new Map<string, Ledger>();
  const readers = new Set<Reader>();
  const held = new Set<Held>();
  const waiting: { count: number; resolve(got: Got): void }[] = [];
  let epochs = 0;

  function push(reader: Reader): void {
    const delta = server.read(reader.jobId, reader.cursor);
    if (!delta.reset && delta.cursor === reader.cursor) return;
    reader.cursor = delta.cursor;
    reader.response.write(deltaFrame(delta));
    if (isEnd(delta)) {
      readers.delete(reader);
      reader.response.end();
    }
  }

  function json(response: http.ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  function handle(got: Got): void {
    const [jobId = "", verb] = got.url.pathname.slice("/api/".length).split("/");
    const ledger = ledgers.get(jobId);
    if (ledger === undefined) {
      const problem = { status: 404, detail: `There is no job ${jobId}.`, code: "job-not-found" };
      json(got.response, 404, problem);
    } else if (verb === "cancel") {
      server.write(jobId, { cancelRequested: true, status: "cancelled" });
      json(got.response, 202, { jobId, status: "cancelled", cancelRequested: true });
    } else if (got.accept === "stream") server.stream(got, jobId);
    else poll(got, jobId);
  }

  function poll({ url, response }: Got, jobId: string): void {
    const after = url.searchParams.get("after") ?? "";
    const answer = (): void =>
      json(response, 200, { ...toWire(server.read(jobId, after)), now: Date.now() });
    const nothingNew = server.read(jobId, after).cursor === after;
    if (!nothingNew || !url.searchParams.has("wait")) {
      answer();
      return;
    }
    const entry = { jobId, after, answer };
    held.add(entry);
    response.on("close", () => held.delete(entry));
  }

  async function serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const got: Got = {
      method: request.method ?? "",
      url: new URL(request.url ?? "", "http://localhost"),
      headers: request.headers,
      body,
      accept: request.headers.accept?.includes("event-stream") ? "stream" : "json",
      response,
      gone: new Promise((resolve) => response.on("close", resolve)),
    };
    server.got.push(got);
    for (const { count, resolve } of waiting) if (server.got.length === count) resolve(got);
    if (!(await server.intercept?.(got))) handle(got);
  }

  const listener = http.createServer((request, response) => {
    serve(request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));

  const server: JobServer = {
    baseUrl: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/api`,
    got: [],
    intercept: undefined,
    heartbeatMs: 30_000,
    retryMs: 1,
    create(jobId, set = {}) {
      epochs += 1;
      const ledger = emptyLedger(`epoch${epochs}`);
      ledgers.set(jobId, ledger);
      writeLedger(ledger, {
        set: { kind: "video", status: "running", createdAt: 0, updatedAt: 0, ...set },
        log: [],
      });
    },
    write(jobId, set, log = []) {
      writeLedger(ledgerOf(jobId), { set, log });
      for (const reader of [...readers]) if (reader.jobId === jobId) push(reader);
      for (const entry of [...held]) if (entry.jobId === jobId) entry.answer();
    },
    read: (jobId, after) => readLedger(ledgerOf(jobId), after),
    streams: () => [...readers].map(({ response }) => response),
    stream(got, jobId) {
      const after = got.url.searchParams.get("after") ?? undefined;
      const { cursor } = server.read(jobId, after);
      if (cursor === after && isEnd(server.read(jobId))) {
        got.response.writeHead(204).end();
        return;
      }
      got.response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      const hello = { protocol: 1, heartbeatMs: server.heartbeatMs, cursor, now: Date.now() };
      got.response.write(helloFrame(hello, server.retryMs));
      const reader: Reader = { jobId, response: got.response, cursor: after };
      readers.add(reader);
      got.response.on("close", () => readers.delete(reader));
      push(reader);
    },
    heartbeat() {
      for (const { response, cursor } of readers)
        response.write(heartbeatFrame({ cursor: cursor ?? "", now: Date.now() }));
    },
    bye(retryMs) {
      for (const reader of [...readers]) {
        readers.delete(reader);
        reader.response.end(byeFrame({ reason: "drain", retryMs }));
      }
    },
    cut() {
      for (const { response } of [...readers]) response.destroy();
    },
    request(count) {
      const got = server.got[count - 1];
      if (got) return Promise.resolve(got);
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    async close() {
      const closed = new Promise((resolve) => listener.close(resolve));
      listener.closeAllConnections();
      await closed;
    },
  };

  function ledgerOf(jobId: string): Ledger {
    const ledger = ledgers.get(jobId);
    if (ledger === undefined) throw new Error(`The test made no job ${jobId}.`);
    return ledger;
  }
  return server;
}
