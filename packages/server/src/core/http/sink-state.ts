import { elapsed } from "../../shared/time.js";
import type { Sink } from "./types.js";

/** One sink, and whether it takes bytes. */
export interface SinkState {
  readonly sink: Sink;
  /** When bytes were last written, by {@link elapsed}. */
  wroteAt: number;
  /** Since when the sink has been full, by {@link elapsed}; `undefined` while it takes bytes. */
  fullSince: number | undefined;
}

/**
 * Writes bytes and notes whether the sink is full now.
 *
 * @returns `false` if the adapter threw: its client is gone, so there is no one to report the error to.
 */
export function writeToSink(state: SinkState, bytes: Uint8Array): boolean {
  state.wroteAt = elapsed();
  try {
    if (!state.sink.write(bytes)) state.fullSince ??= state.wroteAt;
    return true;
  } catch {
    return false;
  }
}

/** Ends or destroys the response. @returns `false` if the adapter threw. */
export function closeSink({ sink }: SinkState, method: "end" | "destroy"): boolean {
  try {
    sink[method]();
    return true;
  } catch {
    return false;
  }
}
