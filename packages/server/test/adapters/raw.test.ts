import http from "node:http";
import { serve } from "@hono/node-server";
import express from "express";
import { fastify } from "fastify";
import { H3, type H3Event } from "h3";
import { toNodeHandler } from "h3/node";
import { createApp, eventHandler, toNodeListener, toWebRequest } from "h3-1";
import { type Context, Hono } from "hono";
import Koa from "koa";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { expressProgress } from "../../src/adapters/express.js";
import { fastifyProgress } from "../../src/adapters/fastify.js";
import { type FetchProgress, fetchProgress } from "../../src/adapters/fetch.js";
import { nodeProgress } from "../../src/adapters/node.js";
import type { BodyAnswer } from "../../src/core/http/types.js";
import { BASE, type Host, hostOf, listen } from "./support/host.js";
import { nextListener } from "./support/next-listener.js";
import { type ScriptedCore, scriptedCore } from "./support/scripted.js";

const BODY: BodyAnswer = { kind: "body", status: 204, headers: {}, body: null };

/** Starts a server, and remembers in `seen` the request as the framework gave it to the app. */
type Start = (core: ScriptedCore, seen: unknown[]) => Promise<Host>;

/** The ways to serve progress, named by the value that `facts.raw` must have. */
const RUNTIMES: Readonly<Record<string, Start>> = {
  "node:http, the request of Node": (core, seen) => {
    const progress = nodeProgress(core, { base: BASE });
    return listen(
      http.createServer((request, response) => {
        seen.push(request);
        progress(request, response);
      }),
    );
  },
  "Express, its request": (core, seen) => {
    const app = express().use((request, _response, next) => {
      seen.push(request);
      next();
    });
    return listen(http.createServer(app.use(BASE, expressProgress(core))));
  },
  "Koa, the request of Node": (core, seen) => {
    const progress = nodeProgress(core, { base: BASE });
    const app = new Koa().use((context) => {
      seen.push(context.req);
      context.respond = false;
      progress(context.req, context.res);
    });
    return listen(http.createServer(app.callback()));
  },
  "Fastify, its request": async (core, seen) => {
    const app = fastify();
    app.addHook("onRequest", async (request) => void seen.push(request));
    app.register(fastifyProgress, { prefix: BASE, progress: core });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return hostOf(app.server, { close: () => app.close() });
  },
  "Hono, the context that the app passes on": (core, seen) => {
    const answer = fetchProgress(core, { base: BASE });
    return listenHono((context) => {
      seen.push(context);
      return answer(context.req.raw, { raw: context });
    });
  },
  "Hono without a context, the request": (core, seen) => {
    const answer = fetchProgress(core, { base: BASE });
    return listenHono((context) => {
      seen.push(context.req.raw);
      return answer(context.req.raw);
    });
  },
  "h3 2, the request": (core, seen) => {
    const answer = fetchProgress(core, { base: BASE });
    const app = new H3().all("/**", (event: H3Event) => {
      seen.push(event.req);
      return answer(event.req);
    });
    return listen(http.createServer(toNodeHandler(app)));
  },
  "h3 1, the event that the app passes on": (core, seen) => {
    const answer = fetchProgress(core, { base: BASE });
    const app = createApp().use(
      eventHandler((event) => {
        seen.push(event);
        return answer(toWebRequest(event), { raw: event });
      }),
    );
    return listen(http.createServer(toNodeListener(app)));
  },
  "Next.js, the request and not its { params }": (core, seen) => {
    const answer = fetchProgress(core, { base: BASE });
    return listen(
      http.createServer(
        nextListener((request, context) => {
          seen.push(request);
          return answer(request, context);
        }),
      ),
    );
  },
};

function listenHono(handler: (context: Context) => Promise<Response>): Promise<Host> {
  const { fetch } = new Hono().all("*", handler);
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(hostOf(server)));
  });
}

describe("facts.raw", () => {
  test.each(Object.entries(RUNTIMES))("given %s", async (_name, start) => {
    const core = scriptedCore(() => BODY);
    const seen: unknown[] = [];
    const host = await start(core, seen);
    onTestFinished(async () => {
      host.client.close();
      await host.close();
    });
    expect((await host.client.ask(`${BASE}/job`)).status).toBe(204);
    const { raw } = await core.request();
    expect(seen).toHaveLength(1);
    expect(raw).toBe(seen[0]);
  });
});

describe("in Bun", () => {
  const request = () => new Request(`https://app.test${BASE}/job`);

  async function factsIn(bun: boolean, ...args: Parameters<FetchProgress>) {
    if (bun) vi.stubGlobal("Bun", {});
    onTestFinished(() => void vi.unstubAllGlobals());
    const core = scriptedCore(() => BODY);
    await fetchProgress(core, { base: BASE })(...args);
    return core.request();
  }

  const server = () => ({ timeout: vi.fn(), requestIP: () => null });

  test("given the server as second argument, shows the request, and raises the limit of its silence", async () => {
    const asked = request();
    const bunServer = server();
    const { raw, maxSilenceMs } = await factsIn(true, asked, bunServer);
    expect(raw).toBe(asked);
    expect(bunServer.timeout.mock.calls).toEqual([[asked, 255]]);
    expect(maxSilenceMs).toBe(255_000);
  });

  test("given a context of Hono with the server, raises the limit", async () => {
    const asked = request();
    const bunServer = server();
    const { maxSilenceMs } = await factsIn(true, asked, { raw: { env: bunServer } });
    expect(bunServer.timeout.mock.calls).toEqual([[asked, 255]]);
    expect(maxSilenceMs).toBe(255_000);
  });

  test("given no server, tells the core that Bun cuts a response after 10 s of silence", async () => {
    expect((await factsIn(true, request())).maxSilenceMs).toBe(10_000);
    expect((await factsIn(true, request(), { params: {} })).maxSilenceMs).toBe(10_000);
  });

  test("given another runtime, knows no limit", async () => {
    const other = server();
    expect((await factsIn(false, request(), other)).maxSilenceMs).toBeUndefined();
    expect(other.timeout).not.toHaveBeenCalled();
  });
});
