import type { ServerResponse } from "node:http";
import { byeFrame, deltaFrame, heartbeatFrame, helloFrame } from "@emlinh/progress-protocol";
import type { JobReplicas } from "./job-replicas.js";

/** The streams of a server that are open now. */
export interface JobStreams {
  heartbeatMs: number;
  retryMs: number;
  responses(): ServerResponse[];
  /** Answers with a stream: its first frames, and later ones as the job changes. */
  open(jobId: string, after: string | undefined, response: ServerResponse): void;
  /** Sends to each stream of a job what changed. */
  push(jobId: string): void;
  heartbeat(): void;
  bye(retryMs: number): void;
  /** Destroys every stream without a last frame. */
  cut(): void;
}

interface OpenStream {
  readonly jobId: string;
  readonly response: ServerResponse;
  cursor: string | undefined;
}

export function jobStreams(jobs: JobReplicas): JobStreams {
  const streams = new Set<OpenStream>();

  function pushTo(stream: OpenStream): void {
    const delta = jobs.read(stream.jobId, stream.cursor);
    if (!delta.reset && delta.cursor === stream.cursor) return;
    stream.cursor = delta.cursor;
    stream.response.write(deltaFrame(delta));
    if (!delta.done) return;
    streams.delete(stream);
    stream.response.end();
  }

  const self: JobStreams = {
    heartbeatMs: 15_000,
    retryMs: 1,
    responses: () => [...streams].map(({ response }) => response),
    open(jobId, after, response) {
      const { cursor, done } = jobs.read(jobId, after);
      if (cursor === after && done) {
        response.writeHead(204).end();
        return;
      }
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      const hello = { protocol: 1, heartbeatMs: self.heartbeatMs, cursor, now: Date.now() };
      response.write(helloFrame(hello, self.retryMs));
      const stream: OpenStream = { jobId, response, cursor: after };
      streams.add(stream);
      response.on("close", () => streams.delete(stream));
      pushTo(stream);
    },
    push(jobId) {
      for (const stream of [...streams]) if (stream.jobId === jobId) pushTo(stream);
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
  };
  return self;
}
