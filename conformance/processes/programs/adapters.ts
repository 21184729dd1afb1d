import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo, Server } from "node:net";
import type { Progress } from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import { fastifyProgress } from "@emlinh/progress-server/adapters/fastify";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";
import { honoProgress } from "@emlinh/progress-server/adapters/hono";
import { koaProgress } from "@emlinh/progress-server/adapters/koa";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { serve } from "@hono/node-server";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { BASE } from "../odd-requests.js";

/** Starts a server on a free port, which serves progress by one adapter. */
type Listen = (progress: Progress) => Promise<Server>;

const ADAPTERS = {
  node: (progress) => listening(http.createServer(nodeProgress(progress, { base: BASE }))),
  http2: (progress) => listening(http2.createServer(nodeProgress(progress, { base: BASE }))),
  express: (progress) =>
    listening(http.createServer(express().use(BASE, expressProgress(progress)))),
  koa(progress) {
    const app = new Koa().use(koaProgress(progress, { base: BASE }));
    // Koa prints an error for each client that leaves.
    app.silent = true;
    return listening(http.createServer(app.callback()));
  },
  async fastify(progress) {
    const app = fastify();
    await app.register(fastifyProgress, { prefix: BASE, progress });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server;
  },
  hono: (progress) => listeningHono(new Hono().use(honoProgress(progress, { base: BASE }))),
  fetch(progress) {
    const answer = fetchProgress(progress, { base: BASE });
    const app = new Hono().all(`${BASE}/*`, (context) => answer(context.req.raw, { raw: context }));
    return listeningHono(app);
  },
} satisfies Readonly<Record<string, Listen>>;

/** The name of an adapter. `fetch` is below Hono on Node. */
export type AdapterName = keyof typeof ADAPTERS;

/** The ports of servers, by the names of their adapters. */
export type Ports = Readonly<Record<AdapterName, number>>;

/** Serves progress by every adapter. @param progressOf - Gives the progress of an adapter. */
export async function listenAll(progressOf: (name: AdapterName) => Progress): Promise<Ports> {
  const ports: Record<string, number> = {};
  for (const [name, listen] of Object.entries(ADAPTERS)) {
    const server = await listen(progressOf(name as AdapterName));
    ports[name] = (server.address() as AddressInfo).port;
  }
  return ports as Ports;
}

async function listening<Listener extends Server>(server: Listener): Promise<Listener> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function listeningHono({ fetch }: Hono): Promise<Server> {
  const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }) as Server;
  if (!server.listening) await once(server, "listening");
  return server;
}
