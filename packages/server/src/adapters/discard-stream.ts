import type { StreamAnswer } from "../core/http/types.js";

/** Frees the slot of a stream that is not written, because the client has left or wants only the headers. */
export function discardStream(answer: StreamAnswer): void {
  answer.subscribe({ write: () => true, end: () => {}, destroy: () => {} }).closed();
}
