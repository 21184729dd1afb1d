import { refusalAnswer } from "../core/http/refusal.js";
import type { BodyAnswer } from "../core/http/types.js";

/** The answer to a path outside the mount point, for adapters without a next handler. */
export function notFound(): BodyAnswer {
  return refusalAnswer("not-found", { retryMs: 0 });
}
