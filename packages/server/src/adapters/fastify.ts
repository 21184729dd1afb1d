import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { Answer, BodyAnswer } from "../core/http/types.js";
import { type DrainOptions, resolveDrainTimes } from "../shared/drain-times.js";
import { checksFor } from "../shared/option-checks.js";
import { discardStream } from "./guarded-subscription.js";
import { targetAfter } from "./mount.js";
import { askCore, omitConnectionHeader, sendAnswer } from "./node-answer.js";
import type { NodeExchange } from "./node-exchange.js";
import { type ProgressHandler, requireProgress } from "./progress-handler.js";
import { limitStall } from "./stall-limit.js";
import { mergeVary } from "./vary.js";

/** Options of {@link fastifyProgress}. */
export interface FastifyProgressOptions {
  readonly progress: DrainableProgress<FastifyRequest>;
  /** The path where progress is served. */
  readonly prefix?: string | undefined;
  /** Over which time `app.close()` sends the open streams away; the defaults are those of `progress.drain()`. */
  readonly drain?: DrainOptions | undefined;
}

/** The part of `Progress` that the plugin needs. */
export interface DrainableProgress<Raw = unknown> extends ProgressHandler<Raw> {
  /** Ends all streams; resolves when they are gone. */
  drain(options?: DrainOptions): Promise<void>;
}

/**
 * Serves progress from a Fastify app (5 or later), as an encapsulated plugin. The app's hooks run before it, such as
 * authentication, and the headers that they set are sent. `facts.raw` of `authorize` is the request of Fastify.
 *
 * `app.close()` drains the progress first, because an open stream would keep the server from closing. After that this
 * `Progress` opens no more streams, here or in other apps. The streams are sent away over five seconds, so that their
 * readers do not all reconnect at once; tests of an app want `drain: { spreadMs: 0 }`.
 *
 * Streams are written to the raw response, so `onSend` hooks (compression is one) see only the other answers.
 *
 * @example
 * ```ts
 * app.register(fastifyProgress, { prefix: "/api/video-progress", progress });
 * ```
 */
export const fastifyProgress: FastifyPluginAsync<FastifyProgressOptions> = async (app, options) => {
  requireRegistered(app, options);
  const { progress, drain = {} } = options;
  resolveDrainTimes(drain);
  const segments = app.prefix.split("/").length - 1;

  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const exchange = { req: request.raw, res: reply.raw };
    const target = targetAfter(segments, request.raw.url ?? "/");
    const answer = await askCore(progress, { exchange, target, raw: request });
    return answer ? send(exchange, reply, answer) : reply.hijack();
  };

  ignoreBodies(app);
  app.addHook("preClose", () => progress.drain(drain));
  app.all("/", handler);
  app.all("/*", handler);
};

/** @throws ProgressError `invalid-option` */
function requireRegistered(app: unknown, options: unknown): void {
  const call = "app.register(fastifyProgress, { prefix, progress })";
  const { invalid, fault } = checksFor("fastifyProgress", call);
  if (typeof (app as Partial<FastifyInstance> | undefined)?.addHook !== "function")
    throw invalid(
      "its first argument",
      app,
      `a Fastify app: pass the plugin uncalled, as in ${call}`,
    );
  const { progress, base } = options as { readonly progress?: unknown; readonly base?: unknown };
  requireProgress("fastifyProgress", progress);
  if (typeof Reflect.get(progress as object, "drain") !== "function")
    throw invalid("progress", progress, "the value that createProgress() returns");
  if (base !== undefined)
    throw fault(`there is no option "base"; the path is prefix, as in ${call}.`);
}

/** No answer depends on a body, so no body is parsed, and none is refused for its type. Affects only this plugin. */
function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.addHook("onRequest", async (request) => {
    // Fastify refuses a malformed type before it looks for a parser. `request.raw` keeps it.
    const isMalformed = "mediaType" in request && request.mediaType === undefined;
    if (isMalformed && request.headers["content-type"] !== undefined)
      request.headers = { ...request.headers, "content-type": undefined };
  });
}

function send(exchange: NodeExchange, reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.kind === "body") return sendBody(exchange, reply, answer);
  try {
    moveHeaders(reply);
  } catch (error) {
    discardStream(answer);
    throw error;
  }
  reply.hijack();
  try {
    sendAnswer(exchange, answer);
  } catch (error) {
    // Fastify logs the error, and leaves the response to us.
    reply.raw.destroy();
    throw error;
  }
  return reply;
}

/** Copies the headers that hooks and plugins set on the reply: a hijacked reply does not write them. */
function moveHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
}

function sendBody(exchange: NodeExchange, reply: FastifyReply, answer: BodyAnswer): FastifyReply {
  const vary = mergeVary(reply.getHeader("vary"), answer.headers.vary ?? "");
  reply.code(answer.status).headers(answer.headers);
  if (vary !== "") reply.header("vary", vary);
  omitConnectionHeader(exchange);
  limitStall(exchange, answer.stallMs);
  // Fastify would send `null` as JSON.
  return reply.send(answer.body ?? undefined);
}
