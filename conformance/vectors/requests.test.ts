import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Authorize,
  createProgress,
  createTickets,
  memoryStore,
  type Progress,
  parseCursor,
  printCursor,
} from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { afterEach, describe, expect, test } from "vitest";
import { loadVectors } from "./load.js";

interface RequestCase {
  readonly id: string;
  readonly requirements: readonly string[];
  readonly job: "unknown" | "queued" | "running" | "completed" | "expired";
  readonly draining?: boolean;
  /** Whether the server lets pages of `https://reader.example` read. */
  readonly cors?: boolean;
  readonly request: {
    readonly method?: string;
    readonly path: string;
    readonly query?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly answer: {
    readonly status: number;
    readonly stream?: boolean;
    /** `null` for a header that must not be there, `/…/` for a pattern. */
    readonly headers?: Readonly<Record<string, string | null>>;
    readonly body?: Readonly<Record<string, unknown>> | null;
    /** Members of the body. */
    readonly integers?: readonly string[];
  };
}

const { cases } = loadVectors<{ cases: RequestCase[] }>("requests.json");
const BASE = "/p";

/** The actions that each user is allowed; a request without the header comes from a viewer. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  viewer: ["watch", "cancel"],
  admin: ["watch", "cancel", "remove"],
  stranger: [],
};

const { createTicket, authorizeByTicket } = createTickets({ secrets: [new Uint8Array(32)] });

const authorize: Authorize = (question) => {
  const { action, facts } = question;
  const user = facts.header("x-user") ?? "viewer";
  if (user === "holder") return authorizeByTicket(question);
  if (user === "nobody") return { allow: false, reason: "not-authenticated" };
  return ALLOWED[user]?.includes(action) ?? false;
};

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Server {
  readonly progress: Progress;
  readonly url: string;
  expire(): Promise<unknown>;
}

/** Starts a server. `expire` moves its clock beyond the TTL of ended jobs and sweeps. */
async function serve(isCors = false): Promise<Server> {
  let now = Date.now();
  const clock = () => now;
  const store = memoryStore({ ttlMs: 1000, clock });
  const trustedOrigins = ["https://trusted.example"];
  const cors = isCors && { origins: ["https://reader.example"], credentials: true };
  const progress = createProgress({ store, authorize, clock, trustedOrigins, cors });
  const server = createServer(nodeProgress(progress, { base: BASE }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(
    () => store.close(),
    () => new Promise((resolve) => server.close(resolve)),
    async () => server.closeAllConnections(),
    () => progress.close(),
  );
  return {
    progress,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`,
    expire() {
      now += 1001;
      return progress.sweep();
    },
  };
}

/** Brings a job into the state of a case. Returns the values of the names in braces, such as `{id}`. */
async function prepare({ progress, expire }: Server, job: RequestCase["job"]) {
  if (job === "unknown") return { id: "unknown", old: "", now: "", future: "" };
  const plan = [
    { id: "speech", title: "Speech", weight: 1 },
    { id: "render", title: "Render", weight: 3 },
  ];
  const { id, cursor } = await progress.create({ kind: "video", plan });
  if (job !== "queued") {
    const reporter = await progress.open(id);
    await reporter.step("speech", () => undefined);
    await reporter.flush();
    if (job !== "running") await reporter.complete({ videoUrl: "/v.mp4" });
  }
  const now = (await progress.status(id))?.cursor ?? "";
  const { epoch, version } = parseCursor(now) ?? { epoch: "", version: 0 };
  if (job === "expired") await expire();
  return { id, old: cursor, now, future: printCursor({ epoch, version: version + 7 }) };
}

/** The tickets of a case by name: valid, changed, expired, and of another job. All are for watching. */
async function ticketsOf(jobId: string): Promise<Readonly<Record<string, string>>> {
  const past = createTickets({ secrets: [new Uint8Array(32)], clock: () => Date.now() - 60_001 });
  const options = { jobId, actions: ["watch"] as const, expiresInMs: 60_000 };
  const ticket = await createTicket(options);
  return {
    ticket,
    changed: `${ticket.slice(0, -2)}${ticket.at(-2) === "A" ? "B" : "A"}${ticket.at(-1)}`,
    expired: await past.createTicket(options),
    foreign: await createTicket({ ...options, jobId: "another" }),
  };
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function titleOf({ id, job, draining, request, answer }: RequestCase): string {
  const { method = "GET", path, query, headers } = request;
  const url = query === undefined ? path : `${path}?${query}`;
  const given = `${draining ? "a server that is draining and " : ""}a job that is ${job}`;
  return `${id}: given ${given}, answers ${method} ${url} ${JSON.stringify(headers ?? {})} with ${answer.status}`;
}

describe("requests.json", () => {
  test.for(cases.map((one) => [titleOf(one), one] as const))("%s", async ([, one]) => {
    const { request, answer } = one;
    const server = await serve(one.cors);
    const { progress, url } = server;
    const prepared = await prepare(server, one.job);
    const names: Readonly<Record<string, string>> = {
      ...prepared,
      ...(await ticketsOf(prepared.id)),
      host: new URL(url).host,
    };
    const fill = (text: string) => text.replace(/\{(\w+)\}/g, (all, name) => names[name] ?? all);
    if (one.draining) await progress.drain({ spreadMs: 0 });
    const query = request.query === undefined ? "" : `?${fill(request.query)}`;
    const headers = Object.entries(request.headers ?? {}).map(([k, v]) => [k, fill(v)] as const);
    const response = await fetch(`${url}${fill(request.path)}${query}`, {
      method: request.method ?? "GET",
      headers: Object.fromEntries(headers),
    });
    expect(response.status).toBe(answer.status);
    for (const [name, value] of Object.entries(answer.headers ?? {})) {
      const actual = response.headers.get(name);
      if (value === null) expect(actual).toBeNull();
      else if (value.startsWith("/")) expect(actual).toMatch(new RegExp(value.slice(1, -1)));
      else expect(actual).toBe(fill(value));
    }
    if (answer.stream) {
      const first = await response.body?.getReader().read();
      expect(new TextDecoder().decode(first?.value)).toMatch(/^retry: \d+\nevent: hello\n/);
      return;
    }
    const body = await response.text();
    for (const name of answer.integers ?? []) {
      const value: unknown = JSON.parse(body)[name];
      expect(Number.isInteger(value) && Number(value) >= 0, `${name} is ${value}`).toBe(true);
    }
    if (answer.body === null) expect(body).toBe("");
    else if (answer.body !== undefined) {
      const actual = JSON.parse(body);
      expect(actual).toMatchObject(JSON.parse(fill(JSON.stringify(answer.body))));
      // `toMatchObject` takes any object for an empty one.
      if (isEmptyObject(answer.body.set)) expect(actual.set).toEqual({});
    }
  });
});
