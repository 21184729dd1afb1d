import { backoffDelayMs, elapsed, within } from "../../../shared/time.js";
import { sleep } from "../../shared/abortable.js";
import {
  MAX_BACKOFF_MS,
  OPEN_TIMEOUT_MS,
  openTimedOut,
  type ProbeOptions,
  probe,
  STABLE_MS,
} from "../../shared/probe.js";
import { probeChannelOf } from "../keys.js";
import type { SubscriberConnection } from "./subscriber-connection.js";

/** A connection that is checked, and replaced if it stops working. */
export interface CheckedConnection extends ProbeOptions {
  /** Resolves when the present connection is open and subscribed again. */
  restored(): Promise<unknown>;
  /** Resolves when the present connection has answered. */
  ask(): Promise<unknown>;
  /** Replaces the present connection. */
  replace(): void;
  /** Called with the reason before each replacement. */
  onFailure(reason: unknown): void;
}

/**
 * Checks one connection after another until it is stopped. Never rejects.
 *
 * The clients connect again by themselves, but only once they notice that a connection was lost. A network that was cut
 * reports nothing. A connection that gives no answer is replaced: after 0.1 to 0.2 s, then after twice as long each
 * time, up to 5 s.
 */
export async function keepAnswering(connection: CheckedConnection): Promise<void> {
  const { signal } = connection;
  let failures = 0;
  while (!signal.aborted) {
    const since = elapsed();
    const reason = await firstFailure(connection);
    if (signal.aborted) return;
    failures = elapsed() - since > STABLE_MS ? 1 : failures + 1;
    connection.onFailure(reason);
    await sleep(backoffDelayMs(failures, { maxMs: MAX_BACKOFF_MS }, Math.random), signal);
    if (!signal.aborted) connection.replace();
  }
}

async function firstFailure(connection: CheckedConnection): Promise<unknown> {
  try {
    await within(OPEN_TIMEOUT_MS, connection.restored(), openTimedOut);
  } catch (error) {
    return error;
  }
  return probe(connection.ask, connection);
}

/**
 * Resolves when the server has answered on every connection of the client, at once while nothing is watched.
 *
 * With sharded channels it asks on one channel per slot in use, because a Cluster has a connection per node. While a
 * connection has subscriptions, it may send little else than `subscribe`, and this works with each client library,
 * protocol version and set of rights with which watching works.
 *
 * @throws Error if the client has given up.
 */
export async function askOn(
  connection: SubscriberConnection,
  channels: Iterable<string>,
  sharded: boolean,
): Promise<void> {
  if (!connection.isAlive()) throw new Error("The client has given up connecting.");
  const asked = new Set<string>();
  for (const channel of channels)
    if (sharded || asked.size === 0) asked.add(probeChannelOf(channel));
  await Promise.all(Array.from(asked, (channel) => isAnswered(connection, channel)));
}

async function isAnswered(connection: SubscriberConnection, channel: string): Promise<void> {
  try {
    await connection.subscribe(channel);
    await connection.unsubscribe(channel);
  } catch {
    // A refusal is an answer too. A connection that was lost with notice is opened again by its client.
  }
}
