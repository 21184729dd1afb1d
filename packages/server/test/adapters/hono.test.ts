import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { honoProgress } from "../../src/adapters/hono.js";
import type { BodyAnswer } from "../../src/core/http/types.js";
import { BASE, type Host, hostOf } from "./support/host.js";
import { scriptedCore } from "./support/scripted.js";

const STREAM = { headers: { accept: "text/event-stream", origin: "https://page.test" } };
const BODY: BodyAnswer = {
  kind: "body",
  status: 202,
  headers: { "content-type": "application/json; charset=utf-8", vary: "Accept, Cookie" },
  body: "{}",
};
const HELLO = new TextEncoder().encode("event: hello\ndata: {}\n\n");

async function start({ fetch }: Hono): Promise<Host["client"]> {
  const host = await new Promise<Host>((resolve) => {
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(hostOf(server)));
  });
  onTestFinished(async () => {
    host.client.close();
    await host.close();
  });
  return host.client;
}

afterEach(() => void vi.restoreAllMocks());

describe("on Node", () => {
  test("given middleware that sets headers, sends them and merges Vary, with a body and with a stream", async () => {
    const core = scriptedCore();
    const answering = scriptedCore(() => BODY);
    const app = new Hono()
      .use(cors({ origin: "https://page.test", credentials: true }))
      .use(async (context, next) => {
        context.header("vary", "X-Tenant");
        context.header("set-cookie", "a=1", { append: true });
        context.header("set-cookie", "b=2", { append: true });
        await next();
      })
      .use(honoProgress(answering, { base: `${BASE}/bodies` }))
      .use(honoProgress(core, { base: BASE }));
    const client = await start(app);
    const asked = client.ask(`${BASE}/job`, STREAM);
    const { sink } = await core.subscriber();
    sink.write(HELLO);
    const stream = await asked;
    expect((await stream.frame())?.event).toBe("hello");
    sink.end();
    const body = await client.ask(`${BASE}/bodies/job`, STREAM);
    expect(await body.json()).toEqual({});
    for (const { headers } of [stream, body]) {
      expect(headers["access-control-allow-origin"]).toBe("https://page.test");
      expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
      expect(headers.vary).toMatch(/^X-Tenant, Accept\b/);
      expect(headers["x-hono-already-sent"]).toBeUndefined();
    }
  });

  test("given a stream, writes to the response of Node, and prints nothing", async () => {
    const printed = vi.spyOn(console, "error");
    const core = scriptedCore();
    const client = await start(new Hono().use(honoProgress(core, { base: BASE })));
    const asked = client.ask(`${BASE}/job`, STREAM);
    const { sink, facts } = await core.subscriber();
    sink.write(HELLO);
    const reply = await asked;
    expect(facts.connection).toBeTypeOf("object");
    sink.end();
    expect((await reply.rest()).map(({ event }) => event)).toEqual(["hello"]);
    expect(printed).not.toHaveBeenCalled();
  });

  test("given a request outside the base, leaves it to the next handler", async () => {
    const core = scriptedCore(() => BODY);
    const app = new Hono().use(honoProgress(core, { base: BASE }));
    app.get("/other", (context) => context.text("other"));
    const reply = await (await start(app)).ask("/other", STREAM);
    expect(await reply.text()).toBe("other");
    expect(core.asked()).toBe(0);
  });
});

describe("in a runtime without Node's response", () => {
  test("given a stream, answers with a Response that has the frames, with the headers of middleware", async () => {
    const core = scriptedCore();
    const app = new Hono()
      .use(cors({ origin: "https://page.test" }))
      .use(honoProgress(core, { base: BASE }));
    const response = await app.request(`${BASE}/job`, STREAM);
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://page.test");
    const text = response.text();
    const { sink, facts } = await core.subscriber();
    expect(facts.raw).toMatchObject({ req: { path: `${BASE}/job` } });
    sink.write(HELLO);
    sink.end();
    expect(await text).toBe("event: hello\ndata: {}\n\n");
  });
});

test("given no Progress, or a wrong base, throws invalid-option", () => {
  expect(() => honoProgress(undefined as never)).toThrow("honoProgress: progress is undefined");
  expect(() => honoProgress(scriptedCore(), { base: "x" })).toThrow('honoProgress: base is "x"');
});
