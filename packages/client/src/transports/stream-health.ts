import { silenceLimit } from "./silence-limit.js";
import type { TransportRequest } from "./transport.js";

/** The silence that is allowed, in heartbeat intervals of the server (P36). */
const MISSED_HEARTBEATS = 2.5;

/** The health of one stream. It fails the request when the stream is silent for too long. */
export interface StreamHealth {
  /** Whether an event has arrived. */
  readonly isOpen: boolean;
  /** Allows as much silence as the server's heartbeats need. */
  expectHeartbeats(intervalMs: number): void;
  /**
   * Notes that bytes arrived.
   *
   * @param isLater - Whether they came after the answer to the request, so that they prove that the stream delivers.
   */
  alive(isLater?: boolean): void;
}

/** Starts when the request is sent: until the first event the open timeout runs. */
export function streamHealth(request: TransportRequest): StreamHealth {
  const { clock, healthyMs, report } = request;
  const restartLimit = silenceLimit(request);
  let limitMs = request.minSilenceMs;
  let openedAt: number | undefined;
  let delivers = false;
  restartLimit(request.openTimeoutMs);

  return {
    get isOpen() {
      return openedAt !== undefined;
    },
    expectHeartbeats(intervalMs) {
      limitMs = Math.max(limitMs, intervalMs * MISSED_HEARTBEATS);
    },
    alive(isLater = false) {
      openedAt ??= clock();
      if (isLater) delivers = true;
      restartLimit(limitMs);
      report({ kind: "alive", delivers, healthy: delivers && clock() - openedAt >= healthyMs });
    },
  };
}
