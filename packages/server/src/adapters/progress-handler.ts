import type { Answer, RequestFacts, StreamAnswer } from "../core/http/types.js";

/** The part of `Progress` that an adapter needs. */
export interface ProgressHandler {
  /** Answers one request. Never rejects. */
  handle(facts: RequestFacts): Promise<Answer>;
}

/** Gives back the place of a subscriber whose response can't be, or need not be, written. */
export function release(answer: StreamAnswer): void {
  answer.subscribe({ write: () => true, end: () => {}, destroy: () => {} }).closed();
}
