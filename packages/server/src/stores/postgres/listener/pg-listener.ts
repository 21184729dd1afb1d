import { checksFor } from "../../../shared/option-checks.js";
import { backoffDelayMs, elapsed } from "../../../shared/time.js";
import { sleep } from "../../shared/abortable.js";
import { DEFAULT_PROBE_MS, MAX_BACKOFF_MS, STABLE_MS } from "../../shared/probe.js";
import type { PostgresClient, PostgresListener, PostgresPool } from "../client.js";
import { type ListenOptions, listenOnce, type TakenConnection } from "./listen-once.js";

/** The options of `pgListener`. */
export interface PgListenerOptions {
  /**
   * Milliseconds between two checks whether the connection still works, because a network that was cut reports nothing.
   * A connection that gives no answer within a third of that is replaced. Above 0.
   *
   * @defaultValue `15_000`
   */
  readonly probeMs?: number | undefined;
}

const { names, duration, invalid } = checksFor("pgListener");

/**
 * Listens on a connection of its own, outside of any pool: directly to the database if the pool goes through PgBouncer.
 *
 * A connection that breaks or gives no answer is replaced: after 0.1 to 0.2 s, then after twice as long each time, up
 * to 5 s.
 *
 * @param connect - Returns a new client that is not connected. The listener connects and ends it.
 * @throws ProgressError `invalid-option` if `probeMs` is not a positive number.
 *
 * @example
 * ```ts
 * const listener = pgListener(() => new pg.Client({ connectionString: process.env.DIRECT_URL }));
 * const store = postgresStore({ pool, listener });
 * ```
 */
export function pgListener(
  connect: () => PostgresClient,
  options: PgListenerOptions = {},
): PostgresListener {
  if (typeof connect !== "function")
    throw invalid("connect", connect, "a function that returns a new client of pg");
  names(options, ["probeMs"]);
  const { probeMs = DEFAULT_PROBE_MS } = options;
  return reconnectingListener(
    async () => {
      const client = connect();
      return { client, open: () => client.connect(), drop: () => client.end() };
    },
    duration("probeMs", probeMs),
  );
}

/**
 * Listens on a connection of the pool. It is closed and not returned to the pool, where another user would get its
 * notifications.
 */
export function pooledListener(pool: PostgresPool): PostgresListener {
  return reconnectingListener(async () => {
    const client = await pool.connect?.();
    if (client === undefined) throw new TypeError("The pool has no connect().");
    return { client, open: async () => {}, drop: async () => client.release(true) };
  }, DEFAULT_PROBE_MS);
}

function reconnectingListener(
  take: () => Promise<TakenConnection>,
  probeMs: number,
): PostgresListener {
  return {
    async listen(channel, onMessage, onStateChange) {
      const stopping = new AbortController();
      const { signal } = stopping;
      const onListening = (): void => onStateChange();
      const options = { take, probeMs, channel, onMessage, onListening, signal };
      const stopped = keepListening(options, onStateChange);
      return {
        async unlisten() {
          stopping.abort();
          await stopped;
        },
      };
    },
  };
}

/** Listens on one connection after another until it is stopped. Never rejects. */
async function keepListening(
  options: ListenOptions,
  onInterrupted: (reason: unknown) => void,
): Promise<void> {
  const { signal } = options;
  let failures = 0;
  while (!signal.aborted) {
    const since = elapsed();
    const reason = await listenOnce(options);
    if (signal.aborted) return;
    failures = elapsed() - since > STABLE_MS ? 1 : failures + 1;
    onInterrupted(reason);
    await sleep(backoffDelayMs(failures, { maxMs: MAX_BACKOFF_MS }, Math.random), signal);
  }
}
