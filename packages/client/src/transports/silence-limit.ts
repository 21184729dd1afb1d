import { failure } from "./failure.js";
import type { TransportRequest } from "./transport.js";

/** Starts the limit again. @param strike - Whether it is a strike to exceed it. */
export type RestartLimit = (limitMs: number, strike: boolean) => void;

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

  return (limitMs, strike) => {
    wait(limitMs / 2, () => {
      wait(limitMs / 2, () => report(failure(`No data arrived within ${limitMs} ms.`, { strike })));
      report({ kind: "silent" });
    });
  };
}
