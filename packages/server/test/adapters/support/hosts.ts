import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo, Server } from "node:net";
import fastifyCompress from "@fastify/compress";
import { serve } from "@hono/node-server";
import compression from "compression";
import express from "express";
import express4 from "express4";
import { fastify } from "fastify";
import { Hono } from "hono";
import { expressProgress } from "../../../src/adapters/express.js";
import { type DrainableProgress, fastifyProgress } from "../../../src/adapters/fastify.js";
import { fetchProgress } from "../../../src/adapters/fetch.js";
import { nodeProgress } from "../../../src/adapters/node.js";
import { type Client, http1Client, http2Client } from "./client.js";

/** Where every host serves progress. */
export const BASE = "/api/video-progress";

/** A server that listens. */
export interface Host {
  readonly client: Client;
  /** Another client, on a connection of its own. */
  connect(): Client;
  /** Refuses new connections; resolves when the last one is closed. */
  close(): Promise<void>;
}

/** Serves progress in one way. */
export type StartHost = (progress: DrainableProgress) => Promise<Host>;

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
  "fetch (Hono)": (progress) => listenHono(progress),
};

/** Starts a server on a free port. */
export async function listen(
  server: Server | http2.Http2Server,
  connect: (origin: string) => Client = http1Client,
): Promise<Host> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    client: connect(origin),
    connect: () => connect(origin),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
      }),
  };
}

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

async function listenFastify(
  app: FastifyApp,
  progress: DrainableProgress,
  connect: (origin: string) => Client = http1Client,
): Promise<Host> {
  app.register(fastifyProgress, { prefix: BASE, progress });
  const origin = await app.listen({ port: 0, host: "127.0.0.1" });
  return { client: connect(origin), connect: () => connect(origin), close: () => app.close() };
}

/** The common part of an app over HTTP/1 and one over HTTP/2. */
interface FastifyApp {
  register(
    plugin: typeof fastifyProgress,
    options: { prefix: string; progress: DrainableProgress },
  ): unknown;
  listen(options: { port: number; host: string }): Promise<string>;
  close(): Promise<void>;
}

async function listenHono(progress: DrainableProgress): Promise<Host> {
  const app = new Hono();
  const answer = fetchProgress(progress, { base: BASE });
  app.all(`${BASE}/*`, (context) => answer(context.req.raw, context));
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
      const origin = `http://127.0.0.1:${port}`;
      resolve({
        client: http1Client(origin),
        connect: () => http1Client(origin),
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
          }),
      });
    });
    server.once("error", reject);
  });
}
