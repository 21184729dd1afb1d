/** Apps that use each adapter with its framework. They are compiled with the built declarations, and never run. */
import { createServer } from "node:http";
import { type Authorize, createProgress, type ProgressStore } from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import { fastifyProgress } from "@emlinh/progress-server/adapters/fastify";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";
import { honoProgress } from "@emlinh/progress-server/adapters/hono";
import { koaProgress } from "@emlinh/progress-server/adapters/koa";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { observeProgress } from "@emlinh/progress-server/otel";
import type { Meter } from "@opentelemetry/api";
import type { Express } from "express";
import type { FastifyInstance } from "fastify";
import type { Context, Hono } from "hono";
import type Koa from "koa";

interface Variables {
  readonly user: string;
}
type HonoEnv = { Variables: Variables };
type KoaContext = Koa.ParameterizedContext<Variables>;

declare const store: ProgressStore;
declare const authorize: Authorize;
declare const apps: {
  readonly express: Express;
  readonly fastify: FastifyInstance;
  readonly hono: Hono<HonoEnv>;
  readonly koa: Koa<Variables>;
};
declare const meter: Meter;

const base = "/api/progress";
const progress = createProgress({ store, authorize });

apps.express.use(base, expressProgress(progress));
apps.fastify.register(fastifyProgress, { prefix: base, progress });
apps.hono.use(honoProgress(progress, { base }));
apps.hono.all(`${base}/*`, honoProgress(progress, { base }));
apps.koa.use(koaProgress(progress, { base }));
createServer(nodeProgress(progress, { base }));
export const serve: (request: Request) => Promise<Response> = fetchProgress(progress, { base });
export const stop: () => void = observeProgress(meter, progress);

// The context of the framework, with the variables of the app.
const onKoa = createProgress<KoaContext>({
  store,
  authorize: ({ facts }) => facts.raw.state.user === "an",
});
apps.koa.use(koaProgress(onKoa, { base }));
const onHono = createProgress<Context<HonoEnv>>({
  store,
  authorize: ({ facts }) => facts.raw.get("user") === "an",
});
apps.hono.use(honoProgress(onHono, { base }));
// @ts-expect-error authorize takes the context of Hono
koaProgress(onHono);
// @ts-expect-error authorize takes the context of Koa
honoProgress(onKoa);
