import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Authorize, createProgress, memoryStore } from "@emlinh/progress-server";
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
  readonly answer: {
    readonly status: number;
    readonly body?: Readonly<Record<string, unknown>>;
    /** A part of the refusal's `detail`. */
    readonly detail?: string;
  };
}

interface UpdateCase {
  readonly id: string;
  readonly about: string;
  readonly plan: readonly string[];
  readonly requests: readonly UpdateRequest[];
  readonly state?: Readonly<Record<string, unknown>>;
  readonly lines?: readonly string[];
  readonly numbers?: readonly number[];
}

const { cases } = loadVectors<{ cases: UpdateCase[] }>("updates.json");

const authorize: Authorize = ({ action, facts }) =>
  facts.header("x-user") !== "viewer" || action === "watch";

/** A job on a server, and its address. */
async function serveJob(plan: readonly string[]) {
  const store = memoryStore();
  const progress = createProgress({ store, authorize });
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

describe("updates.json", () => {
  test.for(cases.map((one) => [one.id, one.about, one] as const))(
    "%s: given %s, answers and stores as the vector says",
    async ([, , one]) => {
      const { id, cursor, url } = await serveJob(one.plan);
      const names = { id, seen: cursor, a: "a".repeat(32), b: "b".repeat(32), cut: "" };
      for (const request of one.requests) {
        const chars = "x".repeat(request.chars ?? 0);
        const response = await send(url, request, { ...names, chars });
        const body = (await response.json()) as Record<string, unknown>;
        const about = `${JSON.stringify(request).slice(0, 200)} got ${JSON.stringify(body)}`;
        expect(response.status, about).toBe(request.answer.status);
        expect(body, about).toMatchObject(fill(request.answer.body ?? {}, names) as object);
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
