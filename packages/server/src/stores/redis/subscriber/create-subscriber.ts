import { askOn, type CheckedConnection, keepAnswering } from "./keep-answering.js";
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

/** Opens no connection yet. */
export function createSubscriber(source: SubscriberSource, events: SubscriberEvents): Subscriber {
  const closing = new AbortController();
  let current: OpenedConnection | undefined;

  const checked: CheckedConnection = {
    probeMs: source.probeMs,
    signal: closing.signal,
    restored: async () => current?.restored,
    ask: async () => current && askOn(current, events.channels(), source.sharded),
    replace() {
      if (current?.reconnect !== undefined && current.isAlive()) current.reconnect();
      else if (current !== undefined) current = replace(current);
    },
    onFailure: events.onError,
  };

  function aliveConnection(): OpenedConnection {
    if (current === undefined) {
      const first = openConnection(source, events);
      current = { ...first, restored: first.ready };
      void keepAnswering(checked);
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
