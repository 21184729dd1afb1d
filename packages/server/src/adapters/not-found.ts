import type { BodyAnswer } from "../core/http.js";
import { refusalAnswer } from "../core/refusal.js";

/** The answer to a path outside the mount point, for adapters that have nobody to hand it to. */
export function notFound(): BodyAnswer {
  return refusalAnswer("not-found", { retryMs: 0 });
}
