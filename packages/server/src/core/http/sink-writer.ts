import { elapsed } from "../../shared/time.js";
import type { Sink } from "./types.js";

/** Writes to one sink and remembers whether it is full. An adapter that throws has lost its client. */
export interface SinkWriter {
  write(bytes: Uint8Array): void;
  end(): void;
  destroy(): void;
  /** The sink's buffer is empty again. @returns whether it was full. */
  drained(): boolean;
  /** Since when the sink has been full, by {@link elapsed}; `undefined` while it takes bytes. */
  fullSince(): number | undefined;
  /** When bytes were last written, by {@link elapsed}. */
  wroteAt(): number;
}

/** @param onBroken - Called when a call of the sink threw. */
export function sinkWriter(sink: Sink, onBroken: () => void): SinkWriter {
  let wroteAt = elapsed();
  let fullSince: number | undefined;

  function attempt<Result>(call: () => Result): Result | undefined {
    try {
      return call();
    } catch {
      // A response that can't be written to has no reader to report to.
      onBroken();
      return undefined;
    }
  }

  return {
    write(bytes) {
      wroteAt = elapsed();
      const hasRoom = attempt(() => sink.write(bytes));
      if (hasRoom === false) fullSince ??= wroteAt;
    },
    end: () => attempt(() => sink.end()),
    destroy: () => attempt(() => sink.destroy()),
    drained() {
      const wasFull = fullSince !== undefined;
      fullSince = undefined;
      return wasFull;
    },
    fullSince: () => fullSince,
    wroteAt: () => wroteAt,
  };
}
