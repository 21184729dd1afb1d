import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Authorize,
  createProgress,
  createTickets,
  memoryStore,
  type Progress,
} from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { afterEach, describe, expect, test } from "vitest";
import { loadVectors } from "./load.js";

interface ManyCase {
  readonly id: string;
  readonly requirements: readonly string[];
  /** In the order of their creation. `queued` is the default. */
  readonly jobs: readonly {
    readonly id: string;
    readonly subjects?: readonly string[];
    readonly status?: "completed" | "removed";
  }[];
  readonly request: {
    readonly method?: string;
    readonly query: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly answer: {
    readonly status: number;
    /** `null` for a header that must not be there. */
    readonly headers?: Readonly<Record<string, string | null>>;
    readonly body?: object | null;
    /** The events of a stream up to `ready`, all of them and in this order. */
    readonly events?: readonly {
      readonly event: string;
      readonly data?: object;
      /** Members that the data must not have. */
      readonly without?: readonly string[];
    }[];
  };
}

const { cases } = loadVectors<{ cases: ManyCase[] }>("many.json");

const secrets = [new Uint8Array(32)];
const { createTicket, authorizeByTicket } = createTickets({ secrets });

/** The actions that each user is allowed; a request without the header comes from a viewer. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  viewer: ["watch", "list"],
  watcher: ["watch"],
  lister: ["list"],
  stranger: [],
};

const authorize: Authorize = (question) => {
  const { action, facts } = question;
  const user = facts.header("x-user") ?? "viewer";
  if (user === "holder") return authorizeByTicket(question);
  if (user === "nobody") return { allow: false, reason: "not-authenticated" };
  return ALLOWED[user]?.includes(action) ?? false;
};

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Server {
  readonly progress: Progress;
  readonly url: string;
  /** Lets a millisecond pass, so that the next job is newer. */
  tick(): void;
}

async function serve(): Promise<Server> {
  let now = Date.now();
  const clock = () => now;
  const store = memoryStore({ clock });
  const limits = { maxJobsPerStream: 3, maxSubjectsPerStream: 2 };
  const progress = createProgress({ store, authorize, clock, ...limits });
  const server = createServer(nodeProgress(progress, { base: "/p" }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(
    () => store.close(),
    () => new Promise((resolve) => server.close(resolve)),
    () => server.closeAllConnections(),
    () => progress.close(),
  );
  const tick = () => {
    now += 1;
  };
  return { progress, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/p`, tick };
}

/** Makes the jobs of a case. Returns the values of the names in braces, such as `{a.cursor}`. */
async function prepare({ progress, url, tick }: Server, { jobs }: ManyCase) {
  const past = createTickets({ secrets, clock: () => Date.now() - 60_001 });
  const ofSubject = { subject: "user:1", actions: ["list"], expiresInMs: 60_000 } as const;
  const names: Record<string, string> = {
    long: "x".repeat(8_000),
    ticket: await createTicket(ofSubject),
    expired: await past.createTicket(ofSubject),
  };
  for (const { id, subjects, status = "queued" } of jobs) {
    tick();
    const job = await progress.create({ kind: "video", id, subjects });
    if (status !== "queued") await progress.run(job, () => "done");
    names[`${id}.cursor`] = (await progress.status(id))?.cursor ?? "";
    if (status === "removed") await progress.remove(id);
  }
  const list = async (limit: number) => {
    const response = await fetch(`${url}?subject=user:1&limit=${limit}`);
    const { listed } = (await response.json()) as { listed: [{ tag: string; next: string }] };
    return listed[0];
  };
  return { ...names, tag: (await list(50)).tag, next: (await list(1)).next };
}

/** Reads the events of a stream up to `ready`. */
async function readEvents(response: Response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!/event: ready\ndata: .*\n\n/.test(text)) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) throw new Error(`The stream has ended after ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  expect(text).not.toMatch(/^id:/m);
  return [...text.matchAll(/event: (.*)\ndata: (.*)\n\n/g)].map(([, event = "", data = ""]) => ({
    event,
    data: JSON.parse(data) as Record<string, unknown>,
  }));
}

function titleOf({ id, jobs, request, answer }: ManyCase): string {
  const { method = "GET", query, headers = {} } = request;
  const given = jobs.map((job) => job.id).join(", ") || "none";
  return `${id}: given the jobs ${given}, answers ${method} ?${query} ${JSON.stringify(headers)} with ${answer.status}`;
}

describe("many.json", () => {
  test.for(cases.map((one) => [titleOf(one), one] as const))("%s", async ([, one]) => {
    const { request, answer } = one;
    const server = await serve();
    const names: Readonly<Record<string, string>> = await prepare(server, one);
    const fill = (text: string) => text.replace(/\{([\w.]+)\}/g, (all, name) => names[name] ?? all);
    const headers = Object.entries(request.headers ?? {}).map(([k, v]) => [k, fill(v)] as const);
    const response = await fetch(`${server.url}?${fill(request.query)}`, {
      method: request.method ?? "GET",
      headers: Object.fromEntries(headers),
    });
    expect(response.status).toBe(answer.status);
    for (const [name, value] of Object.entries(answer.headers ?? {}))
      expect(response.headers.get(name)).toBe(value);
    if (answer.events !== undefined) {
      const events = await readEvents(response);
      expect(events.map(({ event }) => event)).toEqual(answer.events.map(({ event }) => event));
      for (const [index, { data = {}, without = [] }] of answer.events.entries()) {
        expect(events[index]?.data).toMatchObject(data);
        for (const name of without) expect(events[index]?.data).not.toHaveProperty(name);
      }
      return;
    }
    const body = await response.text();
    if (answer.body === null) expect(body).toBe("");
    else expect(JSON.parse(body)).toMatchObject(JSON.parse(fill(JSON.stringify(answer.body))));
  });
});
