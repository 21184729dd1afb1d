import { resolveBase, targetBelow } from "./mount.js";
import { answerNode, sendAnswer } from "./node-answer.js";
import type { NodeRequest, NodeResponse } from "./node-exchange.js";
import { notFound } from "./not-found.js";
import type { ProgressHandler } from "./progress-handler.js";

export type { NodeRequest, NodeResponse } from "./node-exchange.js";
export type { ProgressHandler } from "./progress-handler.js";

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
 * For a request outside `base` it calls `next`, or answers 404 if there is no `next`.
 *
 * @throws ProgressError `invalid-option` if `base` is not a path.
 * @example
 * ```ts
 * createServer(nodeProgress(progress, { base: "/api/video-progress" })).listen(3000);
 * ```
 */
export function nodeProgress(
  progress: ProgressHandler,
  options: NodeProgressOptions = {},
): NodeProgress {
  const base = resolveBase(options.base);
  return (req, res, next) => {
    const exchange = { req, res };
    const target = targetBelow(base, req.url ?? "/");
    if (target)
      answerNode(progress, { exchange, target, raw: req }).catch(next ?? destroyOnError(res));
    else if (next) next();
    else sendAnswer(exchange, notFound());
  };
}

/** `handle` never rejects, so the error is that other code has begun the response. The server emits `clientError`. */
function destroyOnError(res: NodeResponse): (error: Error) => void {
  return (error) => {
    res.destroy(error);
  };
}
