import type { Answer, RequestFacts } from "../core/http/types.js";

/** The part of `Progress` that an adapter needs. */
export interface ProgressHandler {
  /** Answers one request. Never rejects. */
  handle(facts: RequestFacts): Promise<Answer>;
}
