import { type IoRedisSubscriber, type RedisClient, textOf } from "../client.js";
import { shardedOrPlain } from "./channel-commands.js";
import { addListeners } from "./event-listeners.js";
import { reconnectDetector } from "./reconnect-detector.js";
import type {
  SubscriberConnection,
  SubscriberEvents,
  SubscriberSource,
} from "./subscriber-connection.js";

/** A connection of ioredis. It connects by itself, and queues commands until then. */
export function ioRedisConnection(
  source: SubscriberSource,
  events: SubscriberEvents,
): SubscriberConnection {
  const { client, subscriber, sharded } = source;
  const isOwn = subscriber === undefined;
  const connection = (subscriber ?? duplicate(client)) as IoRedisSubscriber;
  const { isCluster } = connection;
  const { subscribe, unsubscribe } = channelCommands(connection, sharded);

  /**
   * ioredis emits `ready` before it has subscribed again. Commands are answered in order, so these are in force after
   * its own.
   */
  async function resubscribe(): Promise<void> {
    try {
      await Promise.all(Array.from(events.channels(), (channel) => subscribe(channel)));
      events.onReconnect();
    } catch (error) {
      // The connection was lost again. The next `ready` will try again.
      events.onError(error);
    }
  }

  const { onReady, onTrouble, stop } = reconnectDetector({
    isCluster,
    isNew: isOwn,
    onReconnect: () => (isCluster ? events.onReconnect() : void resubscribe()),
  });
  const removeListeners = addListeners(connection, {
    ...messageListeners(events),
    ...(isOwn && errorListeners(events, onTrouble)),
    ready: onReady,
    "+node": onReady,
    "-node": onTrouble,
    subscribersReady: onReady,
  });
  return {
    ready: Promise.resolve(),
    isAlive: () => connection.status !== "end",
    subscribe,
    unsubscribe,
    reconnect: isOwn ? undefined : () => reconnect(connection),
    close() {
      stop();
      removeListeners();
      if (isOwn) closeQuietly(connection);
      else for (const channel of events.channels()) unsubscribe(channel).catch(() => {});
    },
  };
}

/**
 * A connection for subscribing only. It waits for its server without a limit. It has no key prefix, because ioredis
 * would add that to sharded channels.
 */
function duplicate(client: RedisClient): unknown {
  const options = {
    keyPrefix: "",
    enableOfflineQueue: true,
    lazyConnect: false,
    autoResubscribe: true,
    maxRetriesPerRequest: null,
  };
  const source = client as unknown as {
    readonly isCluster: boolean;
    duplicate(...overrides: unknown[]): unknown;
  };
  if (!source.isCluster) return source.duplicate(options);
  const { keyPrefix, enableOfflineQueue, lazyConnect } = options;
  const clusterOptions = { keyPrefix, enableOfflineQueue, lazyConnect, shardedSubscribers: true };
  return source.duplicate([], { ...clusterOptions, redisOptions: { keyPrefix } });
}

function channelCommands(
  connection: IoRedisSubscriber,
  sharded: boolean,
): ReturnType<typeof shardedOrPlain> {
  const { ssubscribe, sunsubscribe } = connection;
  return shardedOrPlain(
    {
      subscribe: (channel) => connection.subscribe(channel),
      unsubscribe: (channel) => connection.unsubscribe(channel),
    },
    sharded && ssubscribe !== undefined && sunsubscribe !== undefined
      ? {
          subscribe: (channel) => ssubscribe.call(connection, channel),
          unsubscribe: (channel) => sunsubscribe.call(connection, channel),
        }
      : undefined,
  );
}

type Listeners = Parameters<typeof addListeners>[1];

function messageListeners(events: SubscriberEvents): Listeners {
  const onMessage = (channel: unknown, text: unknown): void =>
    events.onMessage(textOf(text), textOf(channel));
  return { message: onMessage, smessage: onMessage };
}

function errorListeners(events: SubscriberEvents, onTrouble: () => void): Listeners {
  const onError = (error: unknown): void => {
    onTrouble();
    events.onError(error);
  };
  return { error: onError, "node error": onError, nodeError: onError };
}

/** Does nothing to a client that connects already, or that the app has closed. */
function reconnect(connection: IoRedisSubscriber): void {
  if (connection.status === "ready") connection.disconnect(true);
}

function closeQuietly(connection: IoRedisSubscriber): void {
  // An `error` after the end would end the process.
  connection.on("error", () => {});
  connection.disconnect();
}
