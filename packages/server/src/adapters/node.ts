import { checksFor } from "../shared/option-checks.js";
import { resolveBase, targetBelow } from "./mount.js";
import { askCore, sendAnswer } from "./node-answer.js";
import {
  ignoreErrors,
  type NodeExchange,
  type NodeRequest,
  type NodeResponse,
} from "./node-exchange.js";
import { notFound } from "./not-found.js";
import { type ProgressFor, requireProgress } from "./progress-handler.js";
import { cutOff } from "./write-stream.js";

export type { NodeRequest, NodeResponse } from "./node-exchange.js";
export type { ProgressFor, ProgressHandler } from "./progress-handler.js";

/** Options of {@link nodeProgress}. */
export interface NodeProgressOptions {
  /** The path where progress is served, without a trailing slash. @defaultValue the root */
  base?: string | undefined;
}

/** A listener for the servers of Node, and middleware for frameworks that pass `next`. */
export type NodeProgress = (
  req: NodeRequest,
  res: NodeResponse,
  next?: (error?: unknown) => void,
) => void;

/**
 * Serves progress from `node:http`, `node:https` and `node:http2` servers (HTTP/2 with the compatibility API).
 *
 * For a request outside `base` it calls `next`, or answers 404 if there is no `next`. `facts.raw` of `authorize` is the
 * request of Node.
 *
 * @throws ProgressError `invalid-option` if `base` is not a path.
 * @example
 * ```ts
 * createServer(nodeProgress(progress, { base: "/api/video-progress" })).listen(3000);
 * ```
 */
export function nodeProgress<Raw = NodeRequest>(
  progress: ProgressFor<NodeRequest, Raw>,
  options: NodeProgressOptions = {},
): NodeProgress {
  requireProgress("nodeProgress", progress);
  const base = resolveBase("nodeProgress", options);
  return (req, res, next) => {
    requireResponse(res);
    const exchange = { req, res };
    const target = targetBelow(base, req.url ?? "/");
    if (!target && next) next();
    else
      void settle(exchange, next, async () => {
        const answer = target
          ? await askCore(progress, { exchange, target, raw: req })
          : notFound(base, req.url ?? "/");
        if (answer) sendAnswer(exchange, answer);
      });
  };
}

/** @throws ProgressError `invalid-option` if a framework passes other objects, such as the context of Koa. */
function requireResponse(res: unknown): void {
  if (typeof (res as Partial<NodeResponse> | undefined)?.setHeader === "function") return;
  const wanted = "a response of Node, as in serve(ctx.req, ctx.res) for Koa";
  throw checksFor("nodeProgress").invalid("the second argument of a request", res, wanted);
}

/** Runs the answering of one request. Never rejects. */
async function settle(
  exchange: NodeExchange,
  next: ((error: unknown) => unknown) | undefined,
  answer: () => Promise<void>,
): Promise<void> {
  try {
    await answer();
  } catch (error) {
    // `handle` never rejects, so the error is that other code has begun the response, or a fault in a frame.
    await passOn(exchange, next, error as Error);
  }
}

async function passOn(
  exchange: NodeExchange,
  next: ((error: unknown) => unknown) | undefined,
  error: Error,
): Promise<void> {
  ignoreErrors(exchange);
  try {
    if (next) await next(error);
    // The server emits `clientError`.
    else exchange.res.destroy(error);
  } catch {
    // The app's own handler of errors has failed, so there is no one left to report to.
    cutOff(exchange.res);
  }
}
