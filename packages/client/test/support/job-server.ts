import http from "node:http";
import type { AddressInfo } from "node:net";
import { toWire } from "@emlinh/progress-protocol";
import { type JobReplicas, jobReplicas } from "./job-replicas.js";
import { type JobStreams, jobStreams } from "./job-streams.js";
import { type ManyStreams, manyStreams } from "./many-streams.js";

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

/** A real HTTP server with real jobs that can be made to misbehave. */
export interface JobServer extends Pick<JobReplicas, "create" | "has" | "read" | "write"> {
  readonly baseUrl: string;
  readonly requests: ReceivedRequest[];
  readonly streams: JobStreams;
  /** The lists, and the requests for many jobs. */
  readonly many: ManyStreams;
  /** Called before each answer. */
  intercept: Interceptor | undefined;
  /** Resolves with the request number `count`, from 1, now or when it arrives. */
  request(count: number): Promise<ReceivedRequest>;
  close(): Promise<void>;
}

export async function startJobServer(): Promise<JobServer> {
  const jobs = jobReplicas();
  const streams = jobStreams(jobs);
  const many = manyStreams(jobs);
  const polls = heldPolls(jobs);
  const waiting: { count: number; resolve(request: ReceivedRequest): void }[] = [];

  async function serve(
    message: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const request = await receive(message, response);
    const { requests } = server;
    requests.push(request);
    for (const { count, resolve } of waiting) if (requests.length === count) resolve(request);
    if (!(await server.intercept?.(request))) answer(request);
  }

  function answer({ method, url, accept, response }: ReceivedRequest): void {
    if (url.pathname === "/api") {
      if (accept === "stream") many.open(url.searchParams, response);
      else many.poll(url.searchParams, response);
      return;
    }
    const [jobId = "", verb] = url.pathname.slice("/api/".length).split("/");
    const after = url.searchParams.get("after") ?? undefined;
    if (!jobs.has(jobId)) {
      const problem = { status: 404, detail: `There is no job ${jobId}.`, code: "job-not-found" };
      sendJson(response, 404, problem);
    } else if (method === "DELETE") {
      many.remove(jobId);
      response.writeHead(204).end();
    } else if (verb === "cancel") {
      server.write(jobId, { cancelRequested: true, status: "cancelled" });
      sendJson(response, 202, { jobId, status: "cancelled", cancelRequested: true });
    } else if (accept === "stream") streams.open(jobId, after, response);
    else polls.answer(jobId, url.searchParams, response);
  }

  const listener = http.createServer((message, response) => {
    serve(message, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));

  const server: JobServer = {
    baseUrl: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/api`,
    requests: [],
    streams,
    intercept: undefined,
    many,
    create(jobId, set) {
      jobs.create(jobId, set);
      many.push();
    },
    has: jobs.has,
    read: jobs.read,
    write(jobId, set, log) {
      jobs.write(jobId, set, log);
      streams.push(jobId);
      polls.release(jobId);
      many.push();
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
  return server;
}

async function receive(
  message: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<ReceivedRequest> {
  let body = "";
  for await (const chunk of message.setEncoding("utf8")) body += chunk;
  return {
    method: message.method ?? "",
    url: new URL(message.url ?? "", "http://localhost"),
    headers: message.headers,
    body,
    accept: message.headers.accept?.includes("event-stream") ? "stream" : "json",
    response,
    gone: new Promise((resolve) => response.on("close", resolve)),
  };
}

function sendJson(response: http.ServerResponse, status: number, body: unknown): void {
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}

/** The polls that are held until their job changes. */
interface HeldPolls {
  /** Answers at once if something is new, or the poll does not ask to be held. */
  answer(jobId: string, query: URLSearchParams, response: http.ServerResponse): void;
  release(jobId: string): void;
}

function heldPolls(jobs: JobReplicas): HeldPolls {
  const held = new Set<{ readonly jobId: string; send(): void }>();
  return {
    answer(jobId, query, response) {
      const after = query.get("after") ?? "";
      const send = (): void =>
        sendJson(response, 200, { ...toWire(jobs.read(jobId, after)), now: Date.now() });
      if (jobs.read(jobId, after).cursor !== after || !query.has("wait")) {
        send();
        return;
      }
      const poll = { jobId, send };
      held.add(poll);
      response.on("close", () => held.delete(poll));
    },
    release(jobId) {
      for (const poll of [...held]) if (poll.jobId === jobId) poll.send();
    },
  };
}
