import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import express, { type Request as ExpressRequest } from "express";
import { type FastifyRequest, fastify } from "fastify";
import { type Context, Hono } from "hono";
import type Koa from "koa";
import { expectTypeOf, test } from "vitest";
import { expressProgress } from "../../src/adapters/express.js";
import { fastifyProgress } from "../../src/adapters/fastify.js";
import { fetchProgress } from "../../src/adapters/fetch.js";
import { honoProgress } from "../../src/adapters/hono.js";
import { koaProgress } from "../../src/adapters/koa.js";
import { nodeProgress } from "../../src/adapters/node.js";
import {
  type Authorize,
  type AuthorizeRequest,
  allowAnyone,
  createProgress,
  type Progress,
  type ProgressStore,
} from "../../src/index.js";

declare const store: ProgressStore;
declare function ownerOf(jobId: string): Promise<string>;

interface User {
  readonly id: string;
  readonly isAdmin: boolean;
  readonly sessionEndsAt: number;
}
type WithUser = { readonly user?: User };
type AppRequest = ExpressRequest & WithUser;
type AppEnv = { Variables: { user: User } };

const prefix = "/api/progress";
const withRaw = <Raw>(authorize: Authorize<Raw>): Progress<Raw> =>
  createProgress({ store, authorize });
declare const authorizeApp: Authorize<AppRequest>;
declare const authorizeFastify: Authorize<FastifyRequest>;
declare const authorizeHono: Authorize<Context<AppEnv>>;
declare const authorizeKoa: Authorize<Koa.Context>;
declare const authorizeOther: Authorize<{ nope: true }>;

test("given the README's authorize, its parts have the types of the request and of the action", () => {
  const authorize: Authorize<AppRequest> = async ({ action, jobId, subject, facts }) => {
    const { user } = facts.raw;
    if (!user) return { allow: false, reason: "not-authenticated" };
    if (action === "cleanup" || action === "remove") return user.isAdmin;
    if (action === "list") return subject === `user:${user.id}`;
    expectTypeOf(jobId).toEqualTypeOf<string>();
    return (await ownerOf(jobId)) === user.id && { allow: true, until: user.sessionEndsAt };
  };
  express().use(prefix, expressProgress(createProgress({ store, authorize })));
});

test("given an action, the question has the members of the action", () => {
  const check = (question: AuthorizeRequest): void => {
    // @ts-expect-error the action "cleanup" has no job
    void ownerOf(question.jobId);
    if (question.action === "cleanup") expectTypeOf(question.jobId).toEqualTypeOf<undefined>();
    else if (question.action === "list") expectTypeOf(question.subject).toEqualTypeOf<string>();
    else expectTypeOf(question.jobId).toEqualTypeOf<string>();
    // @ts-expect-error there is no such action
    question.action === "read";
  };
  const ignoring: Authorize = ({ action, jobId, facts }) => {
    // @ts-expect-error the type of the request is not known
    facts.raw.user;
    return action === "watch" && jobId.startsWith("public");
  };
  expectTypeOf(check).toBeFunction();
  expectTypeOf(ignoring).toExtend<Authorize<ExpressRequest>>();
});

test("given authorize written in createProgress, the type of the request comes from it", () => {
  const annotated = createProgress({
    store,
    authorize: ({ action, jobId, facts }: AuthorizeRequest<AppRequest>) =>
      action !== "cleanup" && jobId === facts.raw.user?.id,
  });
  expectTypeOf(annotated).toEqualTypeOf<Progress<AppRequest>>();
  const explicit = createProgress<ExpressRequest>({
    store,
    authorize: ({ action, jobId, facts }) => action === "watch" && facts.raw.query.job === jobId,
  });
  expectTypeOf(explicit).toEqualTypeOf<Progress<ExpressRequest>>();
  const unread = createProgress({ store, authorize: ({ action }) => action === "watch" });
  expectTypeOf(unread).toEqualTypeOf<Progress>();
  createProgress<ExpressRequest>({ store, authorize: allowAnyone });
  // @ts-expect-error authorize takes another request
  createProgress<ExpressRequest>({ store, authorize: authorizeFastify });
});

test("given authorize of a framework, its adapter accepts the progress, and no other does", () => {
  const [onExpress, onFastify] = [withRaw(authorizeApp), withRaw(authorizeFastify)];
  const [onHono, other] = [withRaw(authorizeHono), withRaw(authorizeOther)];
  expressProgress(onExpress);
  nodeProgress(onExpress);
  fastify().register(fastifyProgress, { prefix, progress: onFastify });
  koaProgress(withRaw(authorizeKoa));
  honoProgress(onHono);
  // @ts-expect-error
  koaProgress(onFastify);
  // @ts-expect-error
  honoProgress(onExpress);
  // @ts-expect-error Express has other requests
  expressProgress(onFastify);
  // @ts-expect-error
  expressProgress(onHono);
  // @ts-expect-error
  expressProgress(other);
  // @ts-expect-error
  nodeProgress(onFastify);
  // @ts-expect-error
  nodeProgress(other);
  // @ts-expect-error
  fastify().register(fastifyProgress, { prefix, progress: onExpress });
  // @ts-expect-error
  fastify().register(fastifyProgress, { prefix, progress: onHono });
  // @ts-expect-error
  fastify().register(fastifyProgress, { prefix, progress: other });
});

test("given requests of Node, the adapters of Node and Express accept the progress", () => {
  nodeProgress(withRaw<IncomingMessage>(allowAnyone));
  nodeProgress(withRaw<Http2ServerRequest>(allowAnyone));
  nodeProgress(withRaw<IncomingMessage & WithUser>(allowAnyone));
  expressProgress(withRaw<IncomingMessage>(allowAnyone));
  expressProgress(withRaw<Pick<IncomingMessage, "headers"> & WithUser>(allowAnyone));
  fastify().register(fastifyProgress, {
    prefix,
    progress: withRaw<FastifyRequest & WithUser>(allowAnyone),
  });
  // @ts-expect-error Express serves HTTP/1.1
  expressProgress(withRaw<Http2ServerRequest>(allowAnyone));
});

test("given authorize of a fetch framework, serve takes its context", () => {
  const serve = fetchProgress(withRaw(authorizeHono), { base: prefix });
  new Hono<AppEnv>().all(`${prefix}/*`, (context) => serve(context.req.raw, { raw: context }));
  // @ts-expect-error a context without a user
  new Hono().all(`${prefix}/*`, (context) => serve(context.req.raw, { raw: context }));
  // @ts-expect-error authorize needs the context
  expectTypeOf(serve).toExtend<(request: Request) => Promise<Response>>();
  // @ts-expect-error authorize takes the request of Fastify
  fetchProgress(withRaw(authorizeFastify))(new Request("a:"), { raw: {} });

  interface NextRequest extends Request {
    readonly nextUrl: URL;
  }
  type RouteContext = { params: Promise<{ jobId: string }> };
  const GET = fetchProgress(withRaw<NextRequest>(({ facts }) => facts.raw.nextUrl.host === "a"));
  expectTypeOf(GET).toExtend<(request: NextRequest, context: RouteContext) => Promise<Response>>();
  const plain = fetchProgress(withRaw<Request>(({ facts }) => facts.raw.headers.has("a")));
  expectTypeOf(plain).toExtend<(request: Request, context: RouteContext) => Promise<Response>>();
  // @ts-expect-error authorize takes a Request
  plain(new Request("a:"), { raw: "text" });
});

test("given authorize that ignores the request, every adapter accepts the progress", () => {
  const progress = withRaw(allowAnyone);
  nodeProgress(progress);
  expressProgress(progress);
  koaProgress(progress);
  honoProgress(progress);
  fastify().register(fastifyProgress, { prefix, progress });
  void fetchProgress(progress)(new Request("a:"), { raw: "anything" });
});

test("given requests of two frameworks, both adapters accept the progress", () => {
  const progress = withRaw<AppRequest | FastifyRequest>(({ facts }) => "params" in facts.raw);
  expressProgress(progress);
  fastify().register(fastifyProgress, { prefix, progress });
  const both = withRaw<ExpressRequest | Context<AppEnv>>(allowAnyone);
  expressProgress(both);
  const serve = fetchProgress(both);
  new Hono<AppEnv>().all(`${prefix}/*`, (context) => serve(context.req.raw, { raw: context }));
  // @ts-expect-error the progress takes no requests of Fastify
  fastify().register(fastifyProgress, { prefix, progress: both });
});

test("given a function that works with jobs, it takes every progress", () => {
  const makeJob = async (progress: Progress): Promise<string> =>
    (await progress.create({ kind: "a" })).id;
  void makeJob(withRaw(authorizeApp));
  void makeJob(withRaw(authorizeFastify));
});
