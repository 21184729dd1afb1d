import { resolveBase, targetBelow } from "./mount.js";
import { askCore, sendAnswer } from "./node-answer.js";
import type { NodeRequest, NodeResponse } from "./node-exchange.js";
import { type ProgressFor, requireProgress } from "./progress-handler.js";
import { cutOff } from "./write-stream.js";

export type { NodeRequest, NodeResponse } from "./node-exchange.js";
export type { ProgressFor, ProgressHandler } from "./progress-handler.js";

/** Options of {@link koaProgress}. */
export interface KoaProgressOptions {
  /** The path where progress is served, without a trailing slash. @defaultValue the root */
  base?: string | undefined;
}

/** The part of a context of Koa that the adapter uses. */
export interface KoaContext {
  readonly req: NodeRequest;
  readonly res: NodeResponse;
  /** `false` keeps Koa from writing the response. */
  respond?: boolean | undefined;
}

/** Middleware for Koa 2 and 3. */
export type KoaProgress = (context: KoaContext, next: () => Promise<unknown>) => Promise<void>;

/**
 * Serves progress from a Koa app (2 or 3). `facts.raw` of `authorize` is the context of Koa, with the `state` that
 * earlier middleware has set. Headers that earlier middleware has set are sent.
 *
 * It sets `ctx.respond = false` and writes the response itself, so later middleware can't change it. For a request
 * outside `base` it calls `next`.
 *
 * @throws ProgressError `invalid-option` if `base` is not a path.
 * @example
 * ```ts
 * app.use(koaProgress(progress, { base: "/api/video-progress" }));
 * ```
 */
export function koaProgress<Raw = KoaContext>(
  progress: ProgressFor<KoaContext, Raw>,
  options: KoaProgressOptions = {},
): KoaProgress {
  requireProgress("koaProgress", progress);
  const base = resolveBase("koaProgress", options);
  return async (context, next) => {
    const { req, res } = context;
    const target = targetBelow(base, req.url ?? "/");
    if (!target) {
      await next();
      return;
    }
    context.respond = false;
    const exchange = { req, res };
    const answer = await askCore(progress, { exchange, target, raw: context });
    if (!answer) return;
    try {
      sendAnswer(exchange, answer);
    } catch (error) {
      // Other code has begun the response. Koa reports the error, and leaves a response that was begun open.
      cutOff(res);
      throw error;
    }
  };
}
