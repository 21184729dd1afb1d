import type { IncomingMessage, ServerResponse } from "node:http";
import { nodeProgress } from "./node.js";
import { type ProgressFor, type ProgressHandler, requireProgress } from "./progress-handler.js";

export type { ProgressFor, ProgressHandler } from "./progress-handler.js";

/** Middleware for Express 4, Express 5 and Connect. */
export type ExpressProgress = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Serves progress from an Express app (4 or 5) at the path where `app.use` mounts it. `facts.raw` of `authorize` is the
 * request of Express, with the properties that earlier middleware has set. Its type is `Request` of Express, or one
 * that extends it.
 *
 * It reads no body, so body parsers may come before or after it. It calls `next` with an error only if other code has
 * already begun the response.
 *
 * @example
 * ```ts
 * app.use("/api/video-progress", expressProgress(progress));
 * ```
 */
export function expressProgress<Raw = IncomingMessage>(
  progress: ProgressFor<IncomingMessage, Raw>,
): ExpressProgress {
  requireProgress("expressProgress", progress);
  // Express removes the mount path from `req.url`, so every request is below the base.
  const handler: ProgressHandler = progress;
  return nodeProgress(handler);
}
