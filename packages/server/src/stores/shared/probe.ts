import { within } from "../../shared/time.js";
import { sleep } from "./abortable.js";

/** Milliseconds between two checks of a connection. */
export const DEFAULT_PROBE_MS = 15_000;

/** For opening a connection, for example while its pool has none to spare. */
export const OPEN_TIMEOUT_MS = 10_000;

/** The longest wait between two tries to connect. */
export const MAX_BACKOFF_MS = 5_000;

/** A connection that lasted this long worked: the wait before the next one starts again at its shortest. */
export const STABLE_MS = 10_000;

/** How to check a connection. */
export interface ProbeOptions {
  /** Milliseconds between two checks. The connection has a third of that to answer. */
  readonly probeMs: number;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/**
 * Checks a connection again and again, because a network that was cut reports nothing. Resolves with the error of a
 * check that failed, or with the reason of the signal.
 *
 * @param ask - Sends something that the other end has to answer.
 */
export async function probe(
  ask: () => Promise<unknown>,
  { probeMs, signal }: ProbeOptions,
): Promise<unknown> {
  const timeoutMs = probeMs / 3;
  for (;;) {
    await sleep(probeMs, signal);
    if (signal.aborted) return signal.reason;
    try {
      await within(timeoutMs, ask(), () => {
        return new Error(`The connection gave no answer within ${timeoutMs} ms.`);
      });
    } catch (error) {
      return error;
    }
  }
}

/** The error of a connection that could not be opened within {@link OPEN_TIMEOUT_MS}. */
export function openTimedOut(): Error {
  return new Error(`The connection could not be opened within ${OPEN_TIMEOUT_MS} ms.`);
}
