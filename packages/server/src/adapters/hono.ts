import { fetchProgress } from "./fetch.js";
import { nodeExchangeOf } from "./fetch-runtime.js";
import { resolveBase, targetBelow } from "./mount.js";
import { askCore, sendAnswer } from "./node-answer.js";
import type { NodeExchange } from "./node-exchange.js";
import { type ProgressFor, type ProgressHandler, requireProgress } from "./progress-handler.js";
import { cutOff } from "./write-stream.js";

export type { ProgressFor, ProgressHandler } from "./progress-handler.js";

/** Options of {@link honoProgress}. */
export interface HonoProgressOptions {
  /** The path where progress is served, without a trailing slash. @defaultValue the root */
  base?: string | undefined;
}

/** The part of a context of Hono that the adapter uses. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  readonly env: unknown;
  readonly res: Response;
}

/** A handler and middleware for Hono 4. */
export type HonoProgress = (
  context: HonoContext,
  next: () => Promise<void>,
) => Promise<Response | undefined>;

/**
 * Serves progress from a Hono app (4). `facts.raw` of `authorize` is the context of Hono, with the variables that
 * earlier middleware has set. Headers that earlier middleware has set are sent.
 *
 * Below `@hono/node-server` it writes to the response of Node, which costs less than a stream of the web. Headers that
 * middleware sets after `next()` come too late there. In other runtimes it answers with a `Response`, as
 * `fetchProgress` does.
 *
 * For a request outside `base` it calls `next`.
 *
 * @throws ProgressError `invalid-option` if `base` is not a path.
 * @example
 * ```ts
 * app.use(honoProgress(progress, { base: "/api/video-progress" }));
 * ```
 */
export function honoProgress<Raw = HonoContext>(
  progress: ProgressFor<HonoContext, Raw>,
  options: HonoProgressOptions = {},
): HonoProgress {
  requireProgress("honoProgress", progress);
  const base = resolveBase("honoProgress", options);
  const handler: ProgressHandler = progress;
  const serve = fetchProgress(handler, options);
  return async (context, next) => {
    const request = context.req.raw;
    const target = targetBelow(base, request.url);
    if (!target) {
      await next();
      return undefined;
    }
    const exchange = nodeExchangeOf({ request, context: undefined, raw: context });
    if (!exchange) return serve(request, { raw: context });
    const answer = await askCore(progress, { exchange, target, raw: context });
    if (answer) send(exchange, context, () => sendAnswer(exchange, answer));
    return alreadySent();
  };
}

function send(exchange: NodeExchange, { res }: HonoContext, write: () => void): void {
  try {
    moveHeaders(exchange, res);
    write();
  } catch (error) {
    cutOff(exchange.res);
    throw error;
  }
}

/** Copies the headers that middleware has set on the context. */
function moveHeaders({ res }: NodeExchange, { headers }: Response): void {
  for (const [name, value] of headers) if (name !== "set-cookie") res.setHeader(name, value);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) res.setHeader("set-cookie", cookies);
}

/**
 * The response that tells `@hono/node-server` that the response of Node is written by other code. It replaces
 * `Response` by a class of its own, which it sends without a look at the headers until the body was asked for.
 */
function alreadySent(): Response {
  const response = new Response(null, { headers: { "x-hono-already-sent": "true" } });
  void response.body;
  return response;
}
