import type { ServerResponse } from "node:http";
import {
  byeFrame,
  type Delta,
  heartbeatFrame,
  helloFrame,
  isEmpty,
  jobDeltaFrame,
  type Listed,
  listedFrame,
  listedOf,
  type ManyReply,
  parseTarget,
  type Refused,
  readyFrame,
  refusedFrame,
  toJobWire,
} from "@emlinh/progress-protocol";
import type { JobReplicas } from "./job-replicas.js";

/** The lists of subjects and the requests for many jobs (P62-P67). */
export interface ManyStreams {
  heartbeatMs: number;
  retryMs: number;
  responses(): ServerResponse[];
  /** Replaces the list of a subject: ids, the newest first. */
  setList(subject: string, jobs: readonly string[]): void;
  /** Removes a job, also from all lists. Later requests for it are refused. */
  remove(jobId: string): void;
  /** Refuses a job or a subject from now on, also on open streams. */
  refuse(refused: Refused): void;
  allow(name: string): void;
  open(query: URLSearchParams, response: ServerResponse): void;
  poll(query: URLSearchParams, response: ServerResponse): void;
  /** Sends to each open request what changed. */
  push(): void;
  heartbeat(): void;
  bye(retryMs: number): void;
  /** Destroys every stream without a last frame. */
  cut(): void;
}

/** One request: what it asked for, and what it was told so far. */
interface Reader {
  readonly query: URLSearchParams;
  readonly cursors: Map<string, string | undefined>;
  readonly told: Set<string>;
  readonly tags: Set<string>;
}

type News = Pick<ManyReply, "listed" | "refused"> & {
  readonly deltas: readonly { readonly job: string; readonly delta: Delta }[];
};

export function manyStreams(jobs: JobReplicas): ManyStreams {
  const lists = new Map<string, readonly string[]>();
  const refusals = new Map<string, Refused>();
  const streams = new Map<Reader, ServerResponse>();
  const held = new Map<Reader, ServerResponse>();

  function readerOf(query: URLSearchParams): Reader {
    const cursors = new Map<string, string | undefined>();
    for (const name of ["after", "job"])
      for (const text of query.getAll(name)) {
        const { jobId, cursor } = parseTarget(text);
        cursors.set(jobId, cursor);
      }
    return { query, cursors, told: new Set(), tags: new Set(query.getAll("seen")) };
  }

  function page(subject: string, { query }: Reader): Listed {
    const all = lists.get(subject) ?? [];
    const start = Number(query.get("before") ?? 0);
    const end = start + Number(query.get("limit") ?? 50);
    const next = end < all.length ? String(end) : null;
    return listedOf({ subject, jobs: all.slice(start, end), next });
  }

  /** What a reader does not have yet, which it has from then on. */
  function newsOf(reader: Reader): News {
    const { query, cursors, told, tags } = reader;
    const refused: Refused[] = [];
    const isRefused = (name: string, known: boolean, unknown: Refused): boolean => {
      const refusal = refusals.get(name) ?? (known ? undefined : unknown);
      if (refusal && !told.has(name)) refused.push(refusal);
      if (refusal) told.add(name);
      return refusal !== undefined;
    };
    const named = query.getAll("job").map((text) => parseTarget(text).jobId);
    const wanted = named.filter((job) => {
      const unknown: Refused = { job, status: 404, code: "job-not-found" };
      return !isRefused(job, jobs.has(job), unknown);
    });
    const listed: Listed[] = [];
    for (const subject of query.getAll("subject")) {
      if (isRefused(subject, true, { subject, status: 404, code: "not-found" })) continue;
      const list = page(subject, reader);
      if (!tags.has(list.tag)) {
        listed.push(list);
        tags.clear();
        tags.add(list.tag);
      }
      wanted.push(...list.jobs);
    }
    const deltas = [...new Set(wanted)].flatMap((job) => {
      const delta = jobs.read(job, cursors.get(job));
      cursors.set(job, delta.cursor);
      return isEmpty(delta) ? [] : [{ job, delta }];
    });
    // A job that left every list is told whole if it comes back.
    for (const job of cursors.keys()) if (!wanted.includes(job)) cursors.delete(job);
    return { listed, refused, deltas };
  }

  function write(response: ServerResponse, { listed, refused, deltas }: News): void {
    for (const one of refused) response.write(refusedFrame(one));
    for (const one of listed) response.write(listedFrame(one));
    for (const { job, delta } of deltas) response.write(jobDeltaFrame(job, delta));
  }

  function reply(response: ServerResponse, { listed, refused, deltas }: News): void {
    const wire = deltas.map(({ job, delta }) => toJobWire(job, delta));
    const body: ManyReply = { listed, refused, jobs: wire, now: Date.now() };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  const self: ManyStreams = {
    heartbeatMs: 15_000,
    retryMs: 1,
    responses: () => [...streams.values()],
    setList(subject, ids) {
      lists.set(subject, ids);
      self.push();
    },
    remove(jobId) {
      for (const [subject, ids] of lists)
        lists.set(
          subject,
          ids.filter((id) => id !== jobId),
        );
      self.refuse({ job: jobId, status: 410, code: "job-expired" });
    },
    refuse(refused) {
      refusals.set(refused.job ?? refused.subject ?? "", refused);
      self.push();
    },
    allow: (name) => void refusals.delete(name),
    open(query, response) {
      const reader = readerOf(query);
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      const hello = { protocol: 1, heartbeatMs: self.heartbeatMs, now: Date.now() };
      response.write(helloFrame(hello, self.retryMs));
      streams.set(reader, response);
      response.on("close", () => streams.delete(reader));
      write(response, newsOf(reader));
      response.write(readyFrame(Date.now()));
    },
    poll(query, response) {
      const reader = readerOf(query);
      const news = newsOf(reader);
      if (!query.has("wait") || hasNews(news)) reply(response, news);
      else {
        held.set(reader, response);
        response.on("close", () => held.delete(reader));
      }
    },
    push() {
      for (const [reader, response] of streams) write(response, newsOf(reader));
      for (const [reader, response] of held) {
        const news = newsOf(reader);
        if (!hasNews(news)) continue;
        held.delete(reader);
        reply(response, news);
      }
    },
    heartbeat() {
      for (const response of streams.values()) response.write(heartbeatFrame({ now: Date.now() }));
    },
    bye(retryMs) {
      for (const response of streams.values()) response.end(byeFrame({ reason: "drain", retryMs }));
      streams.clear();
    },
    cut() {
      for (const response of streams.values()) response.destroy();
      streams.clear();
    },
  };
  return self;
}

function hasNews({ listed, refused, deltas }: News): boolean {
  return listed.length + refused.length + deltas.length > 0;
}
