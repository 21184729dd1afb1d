import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { expectTypeOf, test } from "vitest";
import { expressProgress } from "../../src/adapters/express.js";
import { fastifyProgress } from "../../src/adapters/fastify.js";
import { fetchProgress } from "../../src/adapters/fetch.js";
import { honoProgress } from "../../src/adapters/hono.js";
import { koaProgress } from "../../src/adapters/koa.js";
import { nextProgress } from "../../src/adapters/next.js";
import { nodeProgress } from "../../src/adapters/node.js";
import {
  type AuthorizeRequest,
  createProgress,
  memoryStore,
  type Progress,
} from "../../src/index.js";

declare const progress: Progress;
const prefix = "/api/video-progress";

test("given its framework, each adapter fits without a cast", () => {
  const listener = nodeProgress(progress, { base: prefix });
  http.createServer(listener);
  https.createServer(listener);
  http2.createServer(listener);
  http2.createSecureServer({ allowHTTP1: true }, listener);
  express().use(listener);
  express().use(prefix, expressProgress(progress));
  express.Router().use(prefix, expressProgress(progress));
  fastify().register(fastifyProgress, { prefix, progress });
  fastify({ http2: true }).register(fastifyProgress, { prefix, progress });
  fastify({ https: {} }).register(fastifyProgress, { prefix, progress });
  fastify({ http2: true, https: {} }).register(fastifyProgress, { prefix, progress });
  new Koa().use(koaProgress(progress, { base: prefix }));
  new Hono().use(honoProgress(progress, { base: prefix }));
  new Hono().all(`${prefix}/*`, honoProgress(progress, { base: prefix }));
  const serve = fetchProgress(progress, { base: prefix });
  new Hono().all(`${prefix}/*`, (context) => serve(context.req.raw, { raw: context }));
  expectTypeOf(serve).toExtend<(request: Request) => Promise<Response>>();
  type RouteContext = { params: Promise<{ jobId: string }> };
  expectTypeOf(serve).toExtend<(request: Request, context: RouteContext) => Promise<Response>>();
  type BunServer = { timeout(request: Request, seconds: number): void };
  expectTypeOf(serve).toExtend<(request: Request, server: BunServer) => Promise<Response>>();
});

/** The parts of a request of Next.js that it has beside those of `Request`. */
interface NextRequest extends Request {
  readonly cookies: { get(name: string): { readonly value: string } | undefined };
}

test("given a route of Next.js, nextProgress has the handlers that it must export", () => {
  type Handler = (
    request: NextRequest,
    context: { params: Promise<{ path: string[] }> },
  ) => Promise<Response>;
  expectTypeOf(nextProgress(progress).GET).toExtend<Handler>();
  const withCookies: Progress<NextRequest> = createProgress({
    store: memoryStore(),
    authorize: ({ facts }: AuthorizeRequest<NextRequest>) =>
      facts.raw.cookies.get("user") !== undefined,
  });
  expectTypeOf(nextProgress(withCookies).POST).toExtend<Handler>();
  const onKoa: Progress<Koa.Context> = createProgress({
    store: memoryStore(),
    authorize: ({ facts }: AuthorizeRequest<Koa.Context>) => facts.raw.secure,
  });
  // @ts-expect-error authorize takes the context of Koa
  nextProgress(onKoa);
});

test("given a wrong option or no Progress, an adapter does not compile", () => {
  // @ts-expect-error the plugin requires `progress`
  fastify().register(fastifyProgress, { prefix });
  // @ts-expect-error nodeProgress has no option `prefix`
  nodeProgress(progress, { prefix });
  // @ts-expect-error a Progress has the method `handle`
  expressProgress({ drain: async () => {} });
});
