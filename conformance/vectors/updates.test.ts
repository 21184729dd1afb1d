import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Authorize,
  createProgress,
  memoryStore,
  type ProgressOptions,
} from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadVectors } from "./load.js";

interface UpdateRequest {
  /** Below the job. @defaultValue `"updates"` */
  readonly path?: string;
  readonly user?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A body that is not JSON. */
  readonly text?: string;
  readonly chars?: number;
  /** Sent so many times at once. One of the answers is as the vector says. */
  readonly times?: number;
  readonly answer: {
    readonly status: number;
    /** Patterns, by the name of the header. */
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Readonly<Record<string, unknown>>;
    /** A part of the refusal's `detail`. */
    readonly detail?: string;
  };
}

interface UpdateCase {
  readonly id: string;
  readonly about: string;
  readonly plan: readonly string[];
  readonly options?: Partial<ProgressOptions>;
  readonly requests: readonly UpdateRequest[];
  readonly state?: Readonly<Record<string, unknown>>;
  readonly lines?: readonly string[];
  readonly numbers?: readonly number[];
}

const { cases } = loadVectors<{ cases: UpdateCase[] }>("updates.json");

const authorize: Authorize = ({ action, facts }) =>
  facts.header("x-user") !== "viewer" || action === "watch";

/** A job on a server, and its address. */
async function serveJob({ plan, options }: UpdateCase) {
  const store = memoryStore();
  const progress = createProgress({ store, authorize, ...options });
  const server = createServer(nodeProgress(progress, { base: "/p" }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await progress.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await store.close();
  });
  const { id, cursor } = await progress.create({ kind: "video", plan });
  const { port } = server.address() as AddressInfo;
  return { id, cursor, url: `http://127.0.0.1:${port}/p/${id}` };
}

type Names = Readonly<Record<string, string>>;

function fill(value: unknown, names: Names): unknown {
  const text = JSON.stringify(value);
  return JSON.parse(text.replace(/\{(\w+)\}/g, (all, name: string) => names[name] ?? all));
}

function send(url: string, request: UpdateRequest, names: Names): Promise<Response> {
  const { path = "updates", user, type = "application/json", headers, body, text } = request;
  const chars = request.text === undefined ? "" : request.text.repeat(request.chars ?? 1);
  return fetch(`${url}/${path}`, {
    method: "POST",
    headers: { "content-type": type, ...(user && { "x-user": user }), ...headers },
    body: text === undefined ? JSON.stringify(fill(body ?? {}, names)) : chars,
  });
}

/** The answer, or of several the one with the status that the vector names. */
async function answerTo(url: string, request: UpdateRequest, names: Names): Promise<Response> {
  const sent = Array.from({ length: request.times ?? 1 }, () => send(url, request, names));
  const answers = await Promise.all(sent);
  const wanted = answers.find(({ status }) => status === request.answer.status);
  return wanted ?? (answers[0] as Response);
}

describe("updates.json", () => {
  test.for(cases.map((one) => [one.id, one.about, one] as const))(
    "%s: given %s, answers and stores as the vector says",
    async ([, , one]) => {
      const { id, cursor, url } = await serveJob(one);
      const names = { id, seen: cursor, a: "a".repeat(32), b: "b".repeat(32), cut: "" };
      for (const request of one.requests) {
        const chars = "x".repeat(request.chars ?? 0);
        const response = await answerTo(url, request, { ...names, chars });
        const body = (await response.json()) as Record<string, unknown>;
        const about = `${JSON.stringify(request).slice(0, 200)} got ${JSON.stringify(body)}`;
        expect(response.status, about).toBe(request.answer.status);
        expect(body, about).toMatchObject(fill(request.answer.body ?? {}, names) as object);
        for (const [name, pattern] of Object.entries(request.answer.headers ?? {}))
          expect(response.headers.get(name), about).toMatch(new RegExp(pattern.slice(1, -1)));
        if (request.answer.detail !== undefined)
          expect(body.detail, about).toContain(request.answer.detail);
        if (response.status !== 200) continue;
        expect(body.cursor).toMatch(/^\w+\.\d+$/);
        expect(Math.abs(Number(body.now) - Date.now())).toBeLessThan(5_000);
      }
      const state = (await (await fetch(`${url}/status`)).json()) as Record<string, unknown>;
      expect(state).toMatchObject(one.state ?? {});
      const delta = (await (await fetch(url)).json()) as { log?: { n: number; text: string }[] };
      const cut = `${"x".repeat(4095)}…`;
      if (one.lines !== undefined)
        expect((delta.log ?? []).map(({ text }) => text)).toEqual(
          one.lines.map((line) => (line === "{cut}" ? cut : line)),
        );
      if (one.numbers !== undefined)
        expect((delta.log ?? []).map(({ n }) => n)).toEqual(one.numbers);
    },
  );
});
