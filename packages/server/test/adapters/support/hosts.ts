import http from "node:http";
import http2 from "node:http2";
import type { Server } from "node:net";
import fastifyCompress from "@fastify/compress";
import compression from "compression";
import express from "express";
import express4 from "express4";
import { fastify } from "fastify";
import { createApp, fromNodeMiddleware, toNodeListener } from "h3-1";
import Koa from "koa";
import { expressProgress } from "../../../src/adapters/express.js";
import { type DrainableProgress, fastifyProgress } from "../../../src/adapters/fastify.js";
import { koaProgress } from "../../../src/adapters/koa.js";
import { nodeProgress } from "../../../src/adapters/node.js";
import { type Client, http1Client, http2Client } from "./client.js";
import { FETCH_HOSTS, NEXT_HOSTS } from "./fetch-hosts.js";
import { BASE, type Host, hostOf, listen, type StartHost } from "./host.js";

/** Each way to serve progress, by name. */
export const HOSTS: Readonly<Record<string, StartHost>> = {
  "node:http": (progress) => listen(http.createServer(nodeProgress(progress, { base: BASE }))),
  "node:http2": (progress) =>
    listen(http2.createServer(nodeProgress(progress, { base: BASE })), http2Client),
  "Express 5": (progress) => listen(http.createServer(expressApp(express(), progress, []))),
  "Express 4": (progress) => listen(http.createServer(expressApp(express4(), progress, []))),
  "Express 5 behind compression": (progress) =>
    listen(http.createServer(expressApp(express(), progress, [compression()]))),
  "Express 4 behind compression": (progress) =>
    listen(http.createServer(expressApp(express4(), progress, [compression()]))),
  "Express 5 behind compression that transforms all": (progress) =>
    listen(http.createServer(expressApp(express(), progress, [compression(), allowTransform]))),
  "Express 4 behind compression that transforms all": (progress) =>
    listen(http.createServer(expressApp(express4(), progress, [compression(), allowTransform]))),
  Fastify: (progress) => listenFastify(fastify(), progress),
  "Fastify behind compression": async (progress) => {
    const app = fastify();
    await app.register(fastifyCompress, { threshold: 0 });
    return listenFastify(app, progress);
  },
  "Fastify on HTTP/2": (progress) => listenFastify(fastify({ http2: true }), progress, http2Client),
  Koa: (progress) => listen(http.createServer(koaApp(progress).callback())),
  "h3 1": (progress) => {
    const app = createApp().use(fromNodeMiddleware(nodeProgress(progress, { base: BASE })));
    return listen(http.createServer(toNodeListener(app)));
  },
  ...FETCH_HOSTS,
};

/** The hosts below which the adapter finds the connection. */
export const HOSTS_WITH_CONNECTION = Object.entries(HOSTS).filter(
  ([name]) => !(name in NEXT_HOSTS),
);

const isHttp2 = (name: string) => /http\/?2/i.test(name);

/** Those of them that use HTTP/1. */
export const HTTP1_HOSTS = HOSTS_WITH_CONNECTION.filter(([name]) => !isHttp2(name));

/** Those of them that use HTTP/2. */
export const HTTP2_HOSTS = HOSTS_WITH_CONNECTION.filter(([name]) => isHttp2(name));

interface App {
  use(handler: express.RequestHandler): unknown;
  use(path: string, handler: express.RequestHandler): unknown;
}

function expressApp<Application extends App & http.RequestListener>(
  app: Application,
  progress: DrainableProgress,
  before: readonly express.RequestHandler[],
): Application {
  for (const handler of before) app.use(handler);
  app.use(BASE, expressProgress(progress));
  return app;
}

/** Removes `no-transform`, which compression respects: some apps remove it, and some compressors ignore it. */
const allowTransform: express.RequestHandler = (_request, response, next) => {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) =>
    setHeader(name, name.toLowerCase() === "cache-control" ? "no-store" : value);
  next();
};

function koaApp(progress: DrainableProgress): Koa {
  const app = new Koa();
  app.use(koaProgress(progress, { base: BASE }));
  // Koa prints an error for each client that leaves.
  app.silent = true;
  return app;
}

async function listenFastify(
  app: FastifyApp,
  progress: DrainableProgress,
  connect: (origin: string) => Client = http1Client,
): Promise<Host> {
  app.register(fastifyProgress, { prefix: BASE, progress });
  await app.listen({ port: 0, host: "127.0.0.1" });
  return hostOf(app.server, { connect, close: () => app.close() });
}

/** The common part of an app over HTTP/1 and one over HTTP/2. */
interface FastifyApp {
  register(
    plugin: typeof fastifyProgress,
    options: { prefix: string; progress: DrainableProgress },
  ): unknown;
  listen(options: { port: number; host: string }): Promise<string>;
  readonly server: Server | http2.Http2Server;
  close(): Promise<void>;
}
