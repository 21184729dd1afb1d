import http from "node:http";
import fastifyCompress from "@fastify/compress";
import fastifyCors from "@fastify/cors";
import { type FastifyInstance, fastify } from "fastify";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { fastifyProgress } from "../../src/adapters/fastify.js";
import type { BodyAnswer } from "../../src/core/http/types.js";
import { allowAnyone, createProgress, memoryStore } from "../../src/index.js";
import { http1Client } from "./support/client.js";
import { BASE } from "./support/host.js";
import { type ScriptedCore, scriptedCore } from "./support/scripted.js";

const STREAM = { headers: { accept: "text/event-stream" } };
const BODY: BodyAnswer = {
  kind: "body",
  status: 202,
  headers: { "content-type": "application/json; charset=utf-8", vary: "Accept, Cookie" },
  body: '{"topic":"Chào"}',
};

async function start(app: FastifyInstance) {
  const client = http1Client(await app.listen({ port: 0, host: "127.0.0.1" }));
  onTestFinished(async () => {
    client.close();
    await app.close();
  });
  return client;
}

async function openStream(core: ScriptedCore, app: FastifyInstance) {
  const client = await start(app);
  const asked = client.ask(`${BASE}/job`, STREAM);
  const subscriber = await core.subscriber();
  return { reply: await asked, subscriber };
}

describe("fastifyProgress", () => {
  test("given a hook that refuses, does not call the core", async () => {
    const core = scriptedCore(() => {
      throw new Error("The core was called.");
    });
    const app = fastify();
    app.addHook("onRequest", async (_request, reply) => reply.code(401).send("who?"));
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    const reply = await (await start(app)).ask(`${BASE}/job`, STREAM);
    expect(reply.status).toBe(401);
    expect(await reply.text()).toBe("who?");
  });

  test("given a hook that sets the user, passes on the request with it", async () => {
    const core = scriptedCore(() => BODY);
    const app = fastify();
    app.decorateRequest("user", "");
    app.addHook("preHandler", async (request) => {
      Object.assign(request, { user: "an" });
    });
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    const reply = await (await start(app)).ask(`${BASE}/job`);
    expect(await reply.json()).toEqual({ topic: "Chào" });
    expect((await core.request()).raw).toMatchObject({ user: "an" });
  });

  test("given headers of plugins and hooks, sends them and merges Vary, with a body and with a stream", async () => {
    const core = scriptedCore();
    const app = fastify();
    app.register(fastifyCors, { origin: ["https://page.test"], credentials: true });
    app.addHook("onRequest", async (_request, reply) => {
      reply.header("set-cookie", "a=1").header("set-cookie", "b=2");
      reply.raw.setHeader("x-raw", "yes");
    });
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    app.register(fastifyProgress, {
      prefix: "/body",
      progress: scriptedCore(() => BODY),
    });
    const client = await start(app);
    const headers = { ...STREAM.headers, origin: "https://page.test" };
    const asked = client.ask(`${BASE}/job`, { headers });
    const { sink } = await core.subscriber();
    sink.end();
    for (const reply of [await asked, await client.ask("/body/job", { headers })]) {
      expect(reply.headers["access-control-allow-origin"]).toBe("https://page.test");
      expect(reply.headers["access-control-allow-credentials"]).toBe("true");
      expect(reply.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
      expect(reply.headers["x-raw"]).toBe("yes");
      expect(reply.headers.vary).toMatch(/^Origin, Accept(, Cookie)?$/);
    }
  });

  test("given a response that a hook has begun, throws to the app and frees the slot", async () => {
    const core = scriptedCore();
    const app = fastify();
    const reported = new Promise((resolve) => {
      app.setErrorHandler((error, _request, reply) => {
        resolve(error);
        reply.hijack();
        reply.raw.end();
      });
    });
    app.addHook("preHandler", async (_request, reply) => {
      reply.header("x-late", "yes");
      reply.raw.write("begun");
    });
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    const reply = await (await start(app)).ask(`${BASE}/job`, STREAM);
    expect(await reported).toMatchObject({ code: "ERR_HTTP_HEADERS_SENT" });
    expect(await reply.text()).toBe("begun");
    expect((await core.subscriber()).counts.closed).toBe(1);
  });

  test("given a preflight, lets the CORS plugin answer", async () => {
    const app = fastify();
    app.register(fastifyCors, { origin: ["https://page.test"] });
    app.register(fastifyProgress, { prefix: BASE, progress: scriptedCore() });
    const reply = await (await start(app)).ask(`${BASE}/job`, {
      method: "OPTIONS",
      headers: { origin: "https://page.test", "access-control-request-method": "GET" },
    });
    expect(reply.status).toBe(204);
    expect(reply.headers["access-control-allow-origin"]).toBe("https://page.test");
  });

  test("given HTTP/1.1, sends no Connection header with a body", async () => {
    const app = fastify();
    app.register(fastifyProgress, { prefix: BASE, progress: scriptedCore(() => BODY) });
    const client = await start(app);
    expect((await client.ask(`${BASE}/job`)).headers.connection).toBeUndefined();
    const closing = await client.ask(`${BASE}/job`, { headers: { connection: "close" } });
    expect(closing.headers.connection).toBe("close");
  });

  test.each([204, 304])("given an answer %i without a body, sends no body", async (status) => {
    const core = scriptedCore(() => ({ kind: "body", status, headers: { etag: "x" }, body: null }));
    const app = fastify();
    app.register(fastifyCompress, { threshold: 0 });
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    const client = await start(app);
    const reply = await client.ask(`${BASE}/job`, { headers: { "accept-encoding": "gzip" } });
    expect([reply.status, await reply.text()]).toEqual([status, ""]);
    expect(reply.headers["content-type"]).toBeUndefined();
    expect(reply.headers["content-encoding"]).toBeUndefined();
    expect(reply.headers.etag).toBe("x");
  });

  test("given an app that closes, drains, and is closed when the streams have ended", async () => {
    const core = scriptedCore();
    const app = fastify();
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    const { reply, subscriber } = await openStream(core, app);
    const [frames] = await Promise.all([reply.rest(), app.close()]);
    expect(frames).toEqual([]);
    expect(subscriber.counts.closed).toBeGreaterThan(0);
  });

  test("given an open stream of a Progress, app.close() alone sends bye: drain and resolves", async () => {
    const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
    onTestFinished(() => progress.close());
    const { id } = await progress.create({ kind: "video" });
    const app = fastify();
    app.register(fastifyProgress, { prefix: BASE, progress, drain: { spreadMs: 0 } });
    const reply = await (await start(app)).ask(`${BASE}/${id}`, STREAM);
    expect((await reply.frame())?.event).toBe("hello");
    const [frames] = await Promise.all([reply.rest(), app.close()]);
    expect(frames.at(-1)).toMatchObject({ event: "bye", data: { reason: "drain" } });
  });

  test("given times for the drain, app.close() drains in them", async () => {
    const drain = vi.fn(async () => {});
    const app = fastify();
    app.register(fastifyProgress, {
      progress: { ...scriptedCore(), drain },
      drain: { spreadMs: 1_000, timeoutMs: 8_000 },
    });
    await app.ready();
    await app.close();
    expect(drain.mock.calls).toEqual([[{ spreadMs: 1_000, timeoutMs: 8_000 }]]);
  });

  test("given wrong times for the drain, refuses them when the plugin is registered", async () => {
    const app = fastify();
    app.register(fastifyProgress, { progress: scriptedCore(), drain: { spreadMs: -1 } });
    await expect(app.ready()).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining("spreadMs is -1"),
    });
  });

  test("given a stream, runs the onResponse hook when it has ended", async () => {
    const core = scriptedCore();
    const app = fastify();
    const responses: number[] = [];
    const ended = new Promise<void>((resolve) => {
      app.addHook("onResponse", async (_request, reply) => {
        responses.push(reply.statusCode);
        resolve();
      });
    });
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    const { reply, subscriber } = await openStream(core, app);
    expect(responses).toEqual([]);
    subscriber.sink.end();
    await Promise.all([reply.rest(), ended]);
    expect(responses).toEqual([200]);
  });

  test("given a prefix with a parameter, nested prefixes and a long id, finds the path", async () => {
    const core = scriptedCore(() => BODY);
    const app = fastify();
    app.register(
      async (inner) => {
        inner.register(fastifyProgress, { prefix: "/:tenant/progress", progress: core });
      },
      { prefix: "/api" },
    );
    const client = await start(app);
    const id = "x".repeat(128);
    await client.ask(`/api/a%20b/progress/${id}/status`);
    expect((await core.request()).path).toBe(`/${id}/status`);
    await client.ask("/api/a/progress?job=A");
    expect((await core.request()).path).toBe("/");
  });

  test("given no prefix, serves from the root", async () => {
    const core = scriptedCore(() => BODY);
    const app = fastify();
    app.register(fastifyProgress, { progress: core });
    await (await start(app)).ask("/job/status");
    expect((await core.request()).path).toBe("/job/status");
  });

  test.each([
    ["of an unknown type", { "content-type": "application/x-unheard-of" }, "???"],
    ["that is empty, with the type JSON", { "content-type": "application/json" }, ""],
    ["over the body limit of the app", { "content-type": "text/plain" }, "x".repeat(2 ** 21)],
  ])("given a body %s, ignores it and answers", async (_what, headers, body) => {
    const core = scriptedCore(() => BODY);
    const app = fastify();
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    app.post("/echo", async (request) => request.body);
    const client = await start(app);
    const reply = await client.ask(`${BASE}/job/cancel`, { method: "POST", headers, body });
    expect(reply.status).toBe(202);
    const echo = await client.ask("/echo", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"still":"parsed"}',
    });
    expect(await echo.json()).toEqual({ still: "parsed" });
  });

  test.each(["/", ";", "text", "a/b/c", "/json; charset=utf-8"])(
    "given a malformed content type %j, answers, and leaves it to the app",
    async (type) => {
      const core = scriptedCore(() => BODY);
      const app = fastify();
      app.register(fastifyProgress, { prefix: BASE, progress: core });
      app.post("/echo", async () => "echo");
      const client = await start(app);
      const ask = { method: "POST", headers: { "content-type": type }, body: "{}" };
      expect((await client.ask(`${BASE}/job/cancel`, ask)).status).toBe(202);
      expect((await core.request()).header("content-type")).toBe(type);
      expect((await client.ask("/echo", ask)).status).toBe(415);
    },
  );

  test("given a valid content type, leaves the request's headers as they are", async () => {
    const core = scriptedCore(() => BODY);
    const app = fastify();
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    const headers = { "content-type": "text/plain; charset=utf-8" };
    const client = await start(app);
    await client.ask(`${BASE}/job/cancel`, { method: "POST", headers, body: "why" });
    expect((await core.request()).raw).toMatchObject({ headers });
  });

  test("given a response that a hook has begun without headers, cuts it and frees the slot", async () => {
    const core = scriptedCore();
    const app = fastify();
    app.addHook("preHandler", async (_request, reply) => void reply.raw.write("begun"));
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    await (await start(app)).send(`${BASE}/job`, STREAM).gone;
    await (await core.subscriber()).until("closed");
  });

  test("given compression, compresses bodies but not streams", async () => {
    const core = scriptedCore();
    const app = fastify();
    app.register(fastifyCompress, { threshold: 0 });
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    app.register(fastifyProgress, { prefix: "/body", progress: scriptedCore(() => BODY) });
    const client = await start(app);
    const headers = { ...STREAM.headers, "accept-encoding": "gzip" };
    const body = await client.ask("/body/job", { headers });
    expect(body.headers["content-encoding"]).toBe("gzip");
    expect(await body.json()).toEqual({ topic: "Chào" });
    const asked = client.ask(`${BASE}/job`, { headers });
    const { sink } = await core.subscriber();
    expect((await asked).headers["content-encoding"]).toBeUndefined();
    sink.end();
  });

  test("given inject, answers without a socket", async () => {
    const core = scriptedCore();
    const app = fastify();
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    const asked = { url: `${BASE}/job`, headers: STREAM.headers };
    // Fastify begins the request when `then` is called.
    const injected = app.inject(asked).then((response) => response);
    const { sink } = await core.subscriber();
    sink.write(new TextEncoder().encode("event: hello\ndata: {}\n\n"));
    sink.end();
    const { statusCode, body } = await injected;
    expect([statusCode, body]).toEqual([200, "event: hello\ndata: {}\n\n"]);
    await app.close();
  });

  test("given a server of the app's own, serves from it", async () => {
    const core = scriptedCore(() => BODY);
    const app = fastify({ serverFactory: (handler) => http.createServer(handler) });
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    expect((await (await start(app)).ask(`${BASE}/job`)).status).toBe(202);
  });
});
