import { after, type Timer } from "../../../shared/time.js";

/**
 * The client of a Cluster connects to its shards one by one. Some clients report only errors, and none reports when
 * all shards are subscribed again. So it is assumed after the first of these times, and once more after the second in
 * case that was too early.
 */
const CLUSTER_SETTLED_AFTER_MS: readonly number[] = [1_000, 5_000];

/** Detects from a connection's events that it was lost and is back. */
export interface ReconnectDetector {
  onReady(): void;
  onTrouble(): void;
  stop(): void;
}

/** Options of {@link reconnectDetector}. */
export interface ReconnectOptions {
  readonly isCluster: boolean;
  /** Whether the store made the connection. Its first `ready` is then no reconnect. */
  readonly isNew: boolean;
  readonly onReconnect: () => void;
}

/**
 * Calls `onReconnect` each time that the connection is ready again, and with a Cluster also some time after any
 * event.
 */
export function reconnectDetector(options: ReconnectOptions): ReconnectDetector {
  const { isCluster, isNew, onReconnect } = options;
  let isFirst = isNew && !isCluster;
  let timers: readonly Timer[] = [];

  function stop(): void {
    for (const timer of timers) clearTimeout(timer);
  }

  function onTrouble(): void {
    if (!isCluster) return;
    stop();
    timers = CLUSTER_SETTLED_AFTER_MS.map((ms) => after(ms, onReconnect));
  }

  return {
    onReady() {
      if (!isFirst) onReconnect();
      isFirst = false;
      onTrouble();
    },
    onTrouble,
    stop,
  };
}
