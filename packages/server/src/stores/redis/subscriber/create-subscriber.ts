import { backoffDelayMs, elapsed, within } from "../../../shared/time.js";
import { sleep } from "../../shared/abortable.js";
import {
  MAX_BACKOFF_MS,
  OPEN_TIMEOUT_MS,
  openTimedOut,
  probe,
  STABLE_MS,
} from "../../shared/probe.js";
import { probeChannelOf } from "../keys.js";
import { openConnection } from "./open-connection.js";
import type {
  SubscriberConnection,
  SubscriberEvents,
  SubscriberSource,
} from "./subscriber-connection.js";

/** One connection to subscribe on, opened when it is first needed, and replaced if it stops working. */
export interface Subscriber {
  /** Resolves when the subscription is in force. */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Idempotent. */
  close(): void;
}

/** A connection, and whether it is subscribed to the channels of the one before it. */
interface OpenedConnection extends SubscriberConnection {
  readonly restored: Promise<unknown>;
}

/**
 * Opens no connection yet.
 *
 * The clients connect again by themselves, but only once they notice that a connection was lost. A network that was cut
 * reports nothing, so the connection is checked. One that gives no answer is replaced: after 0.1 to 0.2 s, then after
 * twice as long each time, up to 5 s.
 */
export function createSubscriber(source: SubscriberSource, events: SubscriberEvents): Subscriber {
  const closing = new AbortController();
  const { signal } = closing;
  let current: OpenedConnection | undefined;

  function aliveConnection(): OpenedConnection {
    if (current === undefined) {
      const first = openConnection(source, events);
      current = { ...first, restored: first.ready };
      // It never rejects.
      void keepAnswering();
    } else if (!current.isAlive()) current = replace(current);
    return current;
  }

  function replace(replaced: SubscriberConnection): OpenedConnection {
    replaced.close();
    const connection = openConnection(source, events);
    const restored = resubscribe(connection);
    const opened = { ...connection, restored };
    restored.then(
      () => opened === current && events.onReconnect(),
      (error) => opened === current && events.onError(error),
    );
    return opened;
  }

  async function resubscribe(opened: SubscriberConnection): Promise<void> {
    const channels = [...events.channels()];
    await opened.ready;
    await Promise.all(channels.map((channel) => opened.subscribe(channel)));
  }

  /** Checks one connection after another until the close. */
  async function keepAnswering(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const since = elapsed();
      const reason = await firstFailure();
      if (signal.aborted) return;
      failures = elapsed() - since > STABLE_MS ? 1 : failures + 1;
      events.onError(reason);
      await sleep(backoffDelayMs(failures, { maxMs: MAX_BACKOFF_MS }, Math.random), signal);
      if (signal.aborted || current === undefined) return;
      if (current.reconnect !== undefined && current.isAlive()) current.reconnect();
      else current = replace(current);
    }
  }

  async function firstFailure(): Promise<unknown> {
    try {
      await within(OPEN_TIMEOUT_MS, current?.restored ?? Promise.resolve(), openTimedOut);
    } catch (error) {
      return error;
    }
    return probe(() => ask(current), { probeMs: source.probeMs, signal });
  }

  async function ask(connection: OpenedConnection | undefined): Promise<void> {
    if (connection === undefined) return;
    if (!connection.isAlive()) throw new Error("The client has given up connecting.");
    const channels = probeChannels(events.channels(), source.sharded);
    await Promise.all(channels.map((channel) => isAnswered(connection, channel)));
  }

  return {
    async subscribe(channel) {
      const opened = aliveConnection();
      await opened.ready;
      await opened.subscribe(channel);
    },
    async unsubscribe(channel) {
      await current?.unsubscribe(channel);
    },
    close() {
      closing.abort();
      current?.close();
    },
  };
}

/**
 * Channels that together take every connection of the client: with sharded channels one per slot in use, because a
 * Cluster has a connection per node, else any one. Empty while nothing is watched.
 */
function probeChannels(channels: Iterable<string>, sharded: boolean): readonly string[] {
  const found = new Set<string>();
  for (const channel of channels) {
    found.add(probeChannelOf(channel));
    if (!sharded) break;
  }
  return [...found];
}

/**
 * Resolves when the server has answered. While a connection has subscriptions, it may send little else than this, and
 * it works with each client library, protocol version and set of rights with which watching works.
 */
async function isAnswered(connection: SubscriberConnection, channel: string): Promise<void> {
  try {
    await connection.subscribe(channel);
    await connection.unsubscribe(channel);
  } catch {
    // A refusal is an answer too. A connection that was lost with notice is opened again by its client.
  }
}
