import type { IncomingMessage, ServerResponse } from "node:http";
import { nodeProgress } from "./node.js";
import type { ProgressHandler } from "./progress-handler.js";

export type { ProgressHandler } from "./progress-handler.js";

/** Middleware as Express 4 and 5 and Connect take it. */
export type ExpressProgress = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Serves progress from an Express app (4 or 5) where `app.use` mounts it. `authorize` finds Express's request in `facts.raw`, with what earlier
 * middleware has put there.
 *
 * It reads no body, so that body parsers may stand before or after it. `next` gets an error only if somebody else has begun to answer.
 *
 * @example
 * ```ts
 * app.use("/api/video-progress", expressProgress(progress));
 * ```
 */
export function expressProgress(progress: ProgressHandler): ExpressProgress {
  // Express takes the mount point off `req.url`, so nothing is foreign here.
  return nodeProgress(progress);
}
