import { refusalAnswer } from "../core/http/refusal.js";
import { shownPath } from "../core/http/request.js";
import type { BodyAnswer } from "../core/http/types.js";

/**
 * The answer to a path outside the mount point, for adapters without a next handler.
 *
 * @param base - The mount point; `""` for the root.
 * @param url - Of the request. Its query is not shown.
 */
export function notFound(base: string, url: string): BodyAnswer {
  const detail = `Nothing is served at ${shownPath(url)}; jobs are served at ${base}/{jobId}.`;
  return refusalAnswer("not-found", { detail, retryMs: 0 });
}
