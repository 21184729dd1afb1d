import {
  type HearChannel,
  isCluster,
  type NodeRedisClient,
  type NodeRedisSubscriber,
  type RedisClient,
  textOf,
} from "../client.js";
import { shardedOrPlain } from "./channel-commands.js";
import { addListeners } from "./event-listeners.js";
import { reconnectDetector } from "./reconnect-detector.js";
import type {
  SubscriberConnection,
  SubscriberEvents,
  SubscriberSource,
} from "./subscriber-connection.js";

/** A connection of node-redis. It subscribes again by itself before it emits `ready`. */
export function nodeRedisConnection(
  source: SubscriberSource,
  events: SubscriberEvents,
): SubscriberConnection {
  const { client, subscriber, sharded } = source;
  const isOwn = subscriber === undefined;
  const connection = (subscriber ?? duplicate(client)) as NodeRedisSubscriber;
  const { subscribe, unsubscribe } = channelCommands(connection, sharded, events);
  const { onReady, onTrouble, stop } = reconnectDetector({
    isCluster: isCluster(client),
    isNew: isOwn,
    onReconnect: events.onReconnect,
  });
  const onError = (error: unknown): void => {
    onTrouble();
    events.onError(error);
  };
  const removeListeners = addListeners(connection, {
    ...(isOwn && { error: onError, "node-error": onError }),
    ready: onReady,
    "node-ready": onReady,
  });
  return {
    ready: isOwn ? connection.connect() : Promise.resolve(),
    isAlive: () => connection.isOpen !== false,
    subscribe,
    unsubscribe,
    reconnect: isOwn ? undefined : () => void reconnect(connection, events),
    close() {
      stop();
      removeListeners();
      if (isOwn) void closeQuietly(connection);
      else for (const channel of events.channels()) unsubscribe(channel).catch(() => {});
    },
  };
}

/**
 * The options of the store require a `subscriber` if the client has no `duplicate()`. To subscribe, a Cluster need
 * not connect to all nodes.
 */
function duplicate(client: RedisClient): unknown {
  return (client as NodeRedisClient).duplicate?.({ minimizeConnections: true });
}

function channelCommands(
  connection: NodeRedisSubscriber,
  sharded: boolean,
  events: SubscriberEvents,
): ReturnType<typeof shardedOrPlain> {
  const { sSubscribe, sUnsubscribe } = connection;
  const listener: HearChannel = (text, channel) => events.onMessage(textOf(text), textOf(channel));
  return shardedOrPlain(
    {
      subscribe: (channel) => connection.subscribe(channel, listener),
      unsubscribe: (channel) => connection.unsubscribe(channel, listener),
    },
    sharded && sSubscribe !== undefined && sUnsubscribe !== undefined
      ? {
          subscribe: (channel) => sSubscribe.call(connection, channel, listener),
          unsubscribe: (channel) => sUnsubscribe.call(connection, channel, listener),
        }
      : undefined,
  );
}

/**
 * A closed client keeps its listeners, and subscribes again when it connects. Does nothing to a client that connects
 * already or that the app has closed, and to that of a Cluster, which forgets its listeners.
 */
async function reconnect(connection: NodeRedisSubscriber, events: SubscriberEvents): Promise<void> {
  if (connection.isReady !== true || "getRandomNode" in connection) return;
  const closed = disconnect(connection);
  try {
    await Promise.all([closed, connection.connect()]);
  } catch (error) {
    events.onError(error);
  }
}

async function closeQuietly(connection: NodeRedisSubscriber): Promise<void> {
  // An `error` after the end would end the process.
  connection.on("error", () => {});
  try {
    await disconnect(connection);
  } catch {
    // The connection was closed already, and nothing waits for it any more.
  }
}

async function disconnect(connection: NodeRedisSubscriber): Promise<void> {
  await (connection.destroy === undefined ? connection.disconnect?.() : connection.destroy());
}
