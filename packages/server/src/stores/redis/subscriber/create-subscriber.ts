import { openConnection } from "./open-connection.js";
import type {
  SubscriberConnection,
  SubscriberEvents,
  SubscriberSource,
} from "./subscriber-connection.js";

/** One connection to subscribe on, opened when it is first needed, and replaced once its client gave up. */
export interface Subscriber {
  /** Resolves when the subscription is in force. */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Idempotent. */
  close(): void;
}

/** Opens no connection yet. */
export function createSubscriber(source: SubscriberSource, events: SubscriberEvents): Subscriber {
  let connection: SubscriberConnection | undefined;

  function aliveConnection(): SubscriberConnection {
    if (connection?.isAlive()) return connection;
    const replaced = connection;
    replaced?.close();
    const opened = openConnection(source, events);
    connection = opened;
    if (replaced !== undefined) resubscribe(opened).catch(events.onError);
    return opened;
  }

  async function resubscribe(opened: SubscriberConnection): Promise<void> {
    const channels = [...events.channels()];
    await opened.ready;
    await Promise.all(channels.map((channel) => opened.subscribe(channel)));
    events.onReconnect();
  }

  return {
    async subscribe(channel) {
      const opened = aliveConnection();
      await opened.ready;
      await opened.subscribe(channel);
    },
    async unsubscribe(channel) {
      await connection?.unsubscribe(channel);
    },
    close() {
      connection?.close();
    },
  };
}
