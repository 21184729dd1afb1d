import { EventEmitter, once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import express from "express";
import express4 from "express4";
import { describe, expect, onTestFinished, test } from "vitest";
import { expressProgress } from "../../src/adapters/express.js";
import { nodeProgress } from "../../src/adapters/node.js";
import type { BodyAnswer, StreamAnswer } from "../../src/core/http/types.js";
import { http2Client } from "./support/client.js";
import { BASE, listen } from "./support/host.js";
import { scriptedCore } from "./support/scripted.js";

const STREAM = { headers: { accept: "text/event-stream" } };

/** A stream that ends at once. */
const ENDED: StreamAnswer = {
  kind: "stream",
  status: 200,
  headers: { "content-type": "text/event-stream; charset=utf-8", vary: "Accept, Cookie" },
  subscribe(sink) {
    sink.end();
    return { drained: () => {}, closed: () => {} };
  },
};

/** An answer that does not come. */
const NEVER = new Promise<never>(() => {});

const BODY: BodyAnswer = {
  kind: "body",
  status: 202,
  headers: { "content-type": "application/json; charset=utf-8", vary: "Accept, Cookie" },
  body: '{"topic":"Chào"}',
};

async function start(listener: http.RequestListener) {
  const server = http.createServer(listener);
  return { ...(await listenFor(server)), server };
}

/** Listens until the test ends. */
async function listenFor(...server: Parameters<typeof listen>) {
  const host = await listen(...server);
  onTestFinished(async () => {
    host.client.close();
    await host.close();
  });
  return host;
}

describe.each([
  ["Express 5", express],
  ["Express 4", express4],
])("%s", (_name, framework) => {
  test("given headers of earlier middleware, sends them and merges Vary, with a body and with a stream", async () => {
    const core = scriptedCore(({ path }) => (path === "/body" ? BODY : ENDED));
    const app = framework().use((_request, response, next) => {
      response.setHeader("access-control-allow-origin", "https://page.test");
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.vary("Origin");
      next();
    });
    const { client } = await start(app.use(BASE, expressProgress(core)));
    for (const path of ["/body", "/stream"]) {
      const { headers } = await client.ask(`${BASE}${path}`, STREAM);
      expect(headers["access-control-allow-origin"]).toBe("https://page.test");
      expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
      expect(headers.vary).toBe("Origin, Accept, Cookie");
    }
  });

  test("given a body parser and middleware that sets a user, passes on the request with both", async () => {
    const core = scriptedCore(() => BODY);
    const app = framework().use(framework.json(), (request, _response, next) => {
      Object.assign(request, { user: "an" });
      next();
    });
    const { client } = await start(app.use(BASE, expressProgress(core)));
    const reply = await client.ask(`${BASE}/job/cancel`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"why":"changed my mind"}',
    });
    expect(reply.status).toBe(202);
    expect(await reply.json()).toEqual({ topic: "Chào" });
    expect((await core.request()).raw).toMatchObject({ user: "an", body: { why: /changed/ } });
  });

  test("given a response that was begun before, calls next with the error and frees the slot", async () => {
    const core = scriptedCore();
    const app = framework().use((_request, response, next) => {
      response.write("begun");
      next();
    });
    app.use(BASE, expressProgress(core));
    const reported = new Promise((resolve) => {
      app.use(((error, _request, response, _next) => {
        resolve(error);
        response.end();
      }) satisfies express.ErrorRequestHandler);
    });
    const { client } = await start(app);
    const reply = await client.ask(`${BASE}/job`, STREAM);
    expect(await reported).toMatchObject({ code: "ERR_HTTP_HEADERS_SENT" });
    expect(await reply.text()).toBe("begun");
    await (await core.subscriber()).until("closed");
  });
});

describe("nodeProgress", () => {
  test("given next, calls it for a request outside the base", async () => {
    const app = express().use(nodeProgress(scriptedCore(), { base: BASE }));
    const { client } = await start(
      app.get("/other", (_request, response) => void response.send("ok")),
    );
    expect(await (await client.ask("/other")).text()).toBe("ok");
  });

  test("given no next, answers a request outside the base with 404", async () => {
    const { client } = await start(nodeProgress(scriptedCore(), { base: BASE }));
    const reply = await client.ask("/other");
    expect(reply.status).toBe(404);
    expect(reply.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(await reply.json()).toMatchObject({ code: "not-found", status: 404 });
  });

  test("given no next and a response that was begun before, cuts it and emits clientError", async () => {
    const core = scriptedCore();
    const progress = nodeProgress(core);
    const { client, server } = await start((request, response) => {
      response.write("begun");
      progress(request, response);
    });
    const reported = once(server, "clientError");
    const reply = await client.ask("/job", STREAM);
    await expect(reply.text()).rejects.toThrow();
    expect((await reported)[0]).toMatchObject({ code: "ERR_HTTP_HEADERS_SENT" });
    await (await core.subscriber()).until("closed");
  });

  test("given a response that was destroyed before, frees the slot and writes nothing", async () => {
    const core = scriptedCore();
    const progress = nodeProgress(core);
    const { client } = await start((request, response) => {
      response.destroy();
      progress(request, response);
    });
    await client.send("/job", STREAM).gone;
    const { facts, until } = await core.subscriber();
    expect(facts.signal.aborted).toBe(true);
    await until("closed");
  });

  test("given a client that left before, passes on an aborted signal", async () => {
    const core = scriptedCore();
    const progress = nodeProgress(core);
    const waiting = new EventEmitter();
    const { client } = await start((request, response) => {
      waiting.emit("request");
      response.once("close", () => setImmediate(progress, request, response));
    });
    const arrived = once(waiting, "request");
    const { abort } = client.send("/job", STREAM);
    await arrived;
    abort();
    const { facts, until } = await core.subscriber();
    expect(facts.signal.aborted).toBe(true);
    await until("closed");
  });

  test.each([BODY, ENDED])(
    "given a response that was ended before, reports no error: $kind",
    async (answer) => {
      const core = scriptedCore(() => answer);
      const progress = nodeProgress(core);
      const errors: unknown[] = [];
      const handled = new EventEmitter();
      const { client } = await start((request, response) => {
        response.end("too slow");
        progress(request, response, (error) => errors.push(error));
        setImmediate(() => handled.emit("handled"));
      });
      const all = once(handled, "handled");
      expect(await (await client.ask("/job", STREAM)).text()).toBe("too slow");
      await all;
      expect(errors).toEqual([]);
    },
  );

  test("given an error event of the request or the response, does not crash", async () => {
    const core = scriptedCore();
    const exchanges: EventEmitter[] = [];
    const progress = nodeProgress(core);
    const { client } = await start((request, response) => {
      exchanges.push(request, response);
      progress(request, response);
    });
    const asked = client.ask("/job", STREAM);
    const { sink } = await core.subscriber();
    for (const each of exchanges) each.emit("error", new Error("EPIPE"));
    sink.end();
    expect(await (await asked).text()).toBe("");
  });

  test("given a Connection header of the app, keeps it", async () => {
    const progress = nodeProgress(scriptedCore(() => BODY));
    const { client } = await start((request, response) => {
      response.setHeader("connection", "close");
      progress(request, response);
    });
    expect((await client.ask("/job")).headers.connection).toBe("close");
  });

  test("given a complete answer, does not abort its signal", async () => {
    const core = scriptedCore(() => BODY);
    const progress = nodeProgress(core);
    const answered = new EventEmitter();
    const closed = once(answered, "close");
    const { client } = await start((request, response) => {
      response.once("close", () => answered.emit("close"));
      progress(request, response);
    });
    expect(await (await client.ask("/job")).json()).toEqual({ topic: "Chào" });
    await closed;
    expect((await core.request()).signal.aborted).toBe(false);
  });

  test("given a response that other code ends while the core is asked, aborts the signal", async () => {
    const core = scriptedCore();
    const progress = nodeProgress({ handle: (facts) => core.handle(facts).then(() => NEVER) });
    const responses: http.ServerResponse[] = [];
    const { client } = await start((request, response) => {
      responses.push(response);
      progress(request, response);
    });
    const asked = client.ask("/job", STREAM);
    const { signal } = await core.request();
    const aborted = once(signal, "abort");
    responses[0]?.end("too late");
    await aborted;
    expect(await (await asked).text()).toBe("too late");
  });

  test("given a connection that was upgraded, aborts the signal when it dies", async () => {
    const core = scriptedCore();
    const progress = nodeProgress({ handle: (facts) => core.handle(facts).then(() => NEVER) });
    const { client, server } = await start(() => {});
    server.on("upgrade", (request, socket) => {
      socket.once("end", () => socket.destroy()).resume();
      progress(request, new http.ServerResponse(request));
    });
    const upgrade = { connection: "upgrade", upgrade: "other" };
    const { abort } = client.send("/job", { headers: { ...STREAM.headers, ...upgrade } });
    const { signal } = await core.request();
    const aborted = once(signal, "abort");
    abort();
    await aborted;
  });

  test.each(["body", "stream"])(
    "given HTTP/1.1, sends no Connection header with a %s",
    async (kind) => {
      const core = scriptedCore(() => (kind === "body" ? BODY : ENDED));
      const { client } = await start(nodeProgress(core));
      const { headers } = await client.ask("/job", STREAM);
      expect(headers.connection).toBeUndefined();
      const closing = await client.ask("/job", { headers: { connection: "close" } });
      expect(closing.headers.connection).toBe("close");
    },
  );

  test("given a server with a socket timeout, does not close a silent stream", async () => {
    const core = scriptedCore();
    const progress = nodeProgress(core);
    const before: (number | undefined)[] = [];
    const { client, server } = await start((request, response) => {
      before.push(request.socket.timeout);
      progress(request, response);
    });
    server.timeout = 60_000;
    const asked = client.ask("/job", STREAM);
    const { facts, sink } = await core.subscriber();
    const { socket } = facts.raw as http.IncomingMessage;
    expect(before).toEqual([60_000]);
    expect(socket.timeout).toBe(0);
    sink.end();
    await (await asked).rest();
  });

  test("given a server that delays small packets, sends each frame at once, and probes a silent peer", async () => {
    const core = scriptedCore();
    const server = http.createServer({ noDelay: false }, nodeProgress(core));
    const calls: unknown[] = [];
    server.on("connection", (socket) => {
      for (const name of ["setNoDelay", "setKeepAlive"] as const) {
        const original = socket[name].bind(socket) as (...args: unknown[]) => typeof socket;
        socket[name] = (...args: unknown[]) => {
          calls.push([name, ...args]);
          return original(...args);
        };
      }
    });
    const { client } = await listenFor(server);
    const asked = client.ask("/job", STREAM);
    const { sink } = await core.subscriber();
    expect(calls).toEqual([
      ["setNoDelay", true],
      ["setKeepAlive", true, 30_000],
    ]);
    sink.end();
    await (await asked).rest();
  });

  test("given HTTP/2 and a response with a timeout, removes the timeout of a stream", async () => {
    const core = scriptedCore();
    const progress = nodeProgress(core);
    const limits: number[] = [];
    const server = http2.createServer((request, response) => {
      response.setTimeout(60_000);
      const original = response.stream.setTimeout.bind(response.stream);
      response.stream.setTimeout = (ms, callback) => {
        limits.push(ms);
        return original(ms, callback);
      };
      progress(request, response);
    });
    const { client } = await listenFor(server, http2Client);
    const asked = client.ask("/job", STREAM);
    const { sink } = await core.subscriber();
    expect(limits).toEqual([0]);
    sink.end();
    await (await asked).rest();
  });
});
