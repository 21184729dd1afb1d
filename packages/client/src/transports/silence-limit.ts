import { addressOf, failure } from "./failure.js";
import type { TransportRequest } from "./transport.js";

/** Starts the limit again. To exceed it is a strike. */
export type RestartLimit = (limitMs: number) => void;

/**
 * Bounds how long a request may be without bytes. It reports `silent` at half of the limit, and fails the request at
 * its end. The signal of the request stops it.
 */
export function silenceLimit(request: TransportRequest): RestartLimit {
  const { clock, schedule, signal, report } = request;
  let cancel = (): void => {};
  signal.addEventListener("abort", () => cancel());

  function wait(delayMs: number, then: () => void): void {
    cancel();
    request.expectBytesBy = clock() + delayMs;
    cancel = schedule(then, delayMs);
  }

  return (limitMs) => {
    const message = `No data arrived from ${addressOf(request)} within ${limitMs} ms.`;
    wait(limitMs / 2, () => {
      wait(limitMs / 2, () => report(failure(message, { strike: true })));
      report({ kind: "silent" });
    });
  };
}
