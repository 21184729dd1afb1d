import { handleRejection } from "../../shared/never-throws.js";
import { bytesOf, chunkOf, type Frame } from "../frame.js";
import type { Sink } from "./types.js";

/** One sink, and whether it takes bytes. */
export interface SinkState {
  sink: Sink;
  /** When bytes were last written, by `elapsed`. */
  wroteAt: number;
  /** Since when the sink has been full, by `elapsed`; `undefined` while it takes bytes. */
  fullSince: number | undefined;
}

/**
 * Writes a frame and notes whether the sink is full now.
 *
 * @param at - The present time, by `elapsed`.
 * @returns `false` if the adapter threw: its client is gone, so there is no one to report the error to.
 */
export function writeToSink(state: SinkState, frame: Frame, at: number): boolean {
  state.wroteAt = at;
  try {
    const hasRoom = writeFrame(state.sink, frame);
    if (!hasRoom) state.fullSince ??= at;
    else if (hasRoom !== true) handleRejection(hasRoom, ignore);
    return true;
  } catch {
    return false;
  }
}

/** @returns what the adapter returned: an async function of untyped code returns a promise. */
function writeFrame(sink: Sink, frame: Frame): unknown {
  return sink.writeChunk === undefined
    ? sink.write(bytesOf(frame))
    : sink.writeChunk(chunkOf(frame));
}

/** Ends or destroys the response. @returns `false` if the adapter threw. */
export function closeSink({ sink }: Pick<SinkState, "sink">, method: "end" | "destroy"): boolean {
  try {
    // An adapter may use an async function, since the result is not used.
    handleRejection(sink[method](), ignore);
    return true;
  } catch {
    return false;
  }
}

/** The client of a sink that fails is gone. */
function ignore(): void {}
