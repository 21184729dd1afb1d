import { after, type Timer } from "../../shared/time.js";
import {
  type HearChannel,
  type IoRedisSubscriber,
  isCluster,
  isIoRedis,
  type NodeRedisClient,
  type NodeRedisSubscriber,
  type RedisClient,
  type RedisSubscriber,
  textOf,
} from "./client.js";

/** The connection that the store subscribes on, whichever library's it is. */
export interface RedisListener {
  /** Resolves once it is connected the first time; rejects if that is given up. */
  readonly ready: Promise<unknown>;
  /** `false` once it gave up for good: another has to be made. */
  isAlive(): boolean;
  /** Resolves when it is in force. */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Ends the connection if the store made it, else takes the store's ears off it. */
  close(): void;
}

/** Who is told what a listener hears. */
export interface ListenerEvents {
  hear(text: string, channel: string): void;
  /** It was cut off, and is subscribed again: what was said meanwhile is lost. */
  back(): void;
  failed(error: unknown): void;
  /** What it has to be subscribed to. */
  channels(): Iterable<string>;
}

/** Which connection is to be listened on. */
export interface ListenerSource {
  readonly client: RedisClient;
  readonly subscriber: RedisSubscriber | undefined;
  readonly sharded: boolean;
}

/**
 * The clients of a Cluster connect to shards one by one. Some tell of errors alone, none tells when each shard is subscribed again: so it is taken for
 * granted after a while, and, in case that was too soon, after a longer one.
 */
const SETTLED_AFTER_MS: readonly number[] = [1_000, 5_000];

/** Makes a listener. Nothing that goes wrong with its connection is left without a listener of its own, which would end the process. */
export function openListener(source: ListenerSource, events: ListenerEvents): RedisListener {
  return isIoRedis(source.client)
    ? ioRedisListener(source, events)
    : nodeRedisListener(source, events);
}

function nodeRedisListener(source: ListenerSource, events: ListenerEvents): RedisListener {
  const { client, subscriber, sharded } = source;
  const made = subscriber === undefined;
  const connection = (subscriber ?? duplicateNodeRedis(client)) as NodeRedisSubscriber;
  const hear: HearChannel = (text, channel) => events.hear(textOf(text), textOf(channel));
  const returns = returnsOf(isCluster(client), made, events.back);
  const failed = (error: unknown): void => {
    returns.trouble();
    events.failed(error);
  };
  const ears = earsOn(connection, {
    ...(made && { error: failed, "node-error": failed }),
    // It is ready when it is subscribed again to all that it was.
    ready: returns.note,
    "node-ready": returns.note,
  });
  const { sSubscribe, sUnsubscribe } = connection;
  const { subscribe, unsubscribe } = eitherKind(
    [(name) => connection.subscribe(name, hear), (name) => connection.unsubscribe(name, hear)],
    sharded && sSubscribe !== undefined && sUnsubscribe !== undefined
      ? [
          (name) => sSubscribe.call(connection, name, hear),
          (name) => sUnsubscribe.call(connection, name, hear),
        ]
      : undefined,
  );
  return {
    ready: made ? connection.connect() : Promise.resolve(),
    isAlive: () => connection.isOpen !== false,
    subscribe,
    unsubscribe,
    close() {
      returns.stop();
      ears.off();
      if (made) void endQuietly(connection);
      else for (const channel of events.channels()) unsubscribe(channel).catch(() => {});
    },
  };
}

/** Only a client that has `duplicate()` is taken without a subscriber. A Cluster's need not connect to all nodes in order to listen. */
function duplicateNodeRedis(client: RedisClient): unknown {
  return (client as NodeRedisClient).duplicate?.({ minimizeConnections: true });
}

async function endQuietly(connection: NodeRedisSubscriber): Promise<void> {
  // An `error` after its end must not end the process.
  connection.on("error", () => {});
  try {
    await (connection.destroy === undefined ? connection.disconnect?.() : connection.destroy());
  } catch {
    // It had ended already, and nobody waits for anything on it any more.
  }
}

function ioRedisListener(source: ListenerSource, events: ListenerEvents): RedisListener {
  const { client, subscriber, sharded } = source;
  const made = subscriber === undefined;
  const connection = (subscriber ?? duplicateIoRedis(client)) as IoRedisSubscriber;
  const { ssubscribe, sunsubscribe } = connection;
  const { subscribe, unsubscribe } = eitherKind(
    [(name) => connection.subscribe(name), (name) => connection.unsubscribe(name)],
    sharded && ssubscribe !== undefined && sunsubscribe !== undefined
      ? [(name) => ssubscribe.call(connection, name), (name) => sunsubscribe.call(connection, name)]
      : undefined,
  );
  /** Its own subscribing again isn't waited for when it says that it is ready; commands are answered in order, so this is in force after it. */
  async function again(): Promise<void> {
    try {
      await Promise.all(Array.from(events.channels(), (channel) => subscribe(channel)));
      events.back();
    } catch (error) {
      // The connection broke again: the next "ready" will come here, too.
      events.failed(error);
    }
  }
  const returns = returnsOf(connection.isCluster, made, () => {
    if (connection.isCluster) events.back();
    else void again();
  });
  const hear = (channel: unknown, text: unknown): void =>
    events.hear(textOf(text), textOf(channel));
  const failed = (error: unknown): void => {
    returns.trouble();
    events.failed(error);
  };
  const ears = earsOn(connection, {
    ...(made && { error: failed, "node error": failed, nodeError: failed }),
    message: hear,
    smessage: hear,
    ready: returns.note,
    "+node": returns.note,
    "-node": returns.trouble,
    subscribersReady: returns.note,
  });
  return {
    ready: Promise.resolve(),
    isAlive: () => connection.status !== "end",
    subscribe,
    unsubscribe,
    close() {
      returns.stop();
      ears.off();
      if (made) {
        connection.on("error", () => {});
        connection.disconnect();
      } else for (const channel of events.channels()) unsubscribe(channel).catch(() => {});
    },
  };
}

/** A connection for subscribing alone: it waits for its server as long as that takes, and knows no prefix, since ioredis would put it before sharded channels. */
function duplicateIoRedis(client: RedisClient): unknown {
  const needs = {
    keyPrefix: "",
    enableOfflineQueue: true,
    lazyConnect: false,
    autoResubscribe: true,
    maxRetriesPerRequest: null,
  };
  const maker = client as unknown as {
    readonly isCluster: boolean;
    duplicate(...overrides: unknown[]): unknown;
  };
  if (!maker.isCluster) return maker.duplicate(needs);
  const { keyPrefix, enableOfflineQueue, lazyConnect } = needs;
  const ofCluster = { keyPrefix, enableOfflineQueue, lazyConnect, shardedSubscribers: true };
  return maker.duplicate([], { ...ofCluster, redisOptions: { keyPrefix } });
}

/** Listens to some events, until it is told to stop. */
function earsOn(
  connection: Pick<NodeRedisSubscriber, "on" | "off">,
  listeners: { readonly [event: string]: (...facts: unknown[]) => void },
): { off(): void } {
  for (const [event, listener] of Object.entries(listeners)) connection.on(event, listener);
  return {
    off() {
      for (const [event, listener] of Object.entries(listeners)) connection.off(event, listener);
    },
  };
}

/** What a connection's events tell of its being cut off. */
interface Returns {
  /** It is ready. */
  note(): void;
  /** Something is wrong with it. */
  trouble(): void;
  stop(): void;
}

/**
 * Takes note of each time that a connection is ready, and passes it on when it was so before; with a Cluster also some time after anything that happened.
 *
 * @param made - Whether it is new: then its first time is no return.
 */
function returnsOf(cluster: boolean, made: boolean, back: () => void): Returns {
  let isNew = made && !cluster;
  let timers: Timer[] = [];

  function stop(): void {
    for (const timer of timers) clearTimeout(timer);
  }

  function trouble(): void {
    if (!cluster) return;
    stop();
    timers = SETTLED_AFTER_MS.map((ms) => after(ms, back));
  }

  return {
    note() {
      if (!isNew) back();
      isNew = false;
      trouble();
    },
    trouble,
    stop,
  };
}

type ChannelCall = (channel: string) => Promise<unknown>;

/** How to subscribe, and how to unsubscribe. */
type ChannelCalls = readonly [ChannelCall, ChannelCall];

/** Subscribes to sharded channels, and to plain ones where the server has no others; writers fall back in the same way. */
function eitherKind(
  plain: ChannelCalls,
  sharded: ChannelCalls | undefined,
): Pick<RedisListener, "subscribe" | "unsubscribe"> {
  let calls = sharded ?? plain;
  return {
    async subscribe(channel) {
      try {
        await calls[0](channel);
      } catch (error) {
        if (calls === plain || !isUnknownCommand(error)) throw error;
        calls = plain;
        await plain[0](channel);
      }
    },
    async unsubscribe(channel) {
      await calls[1](channel);
    },
  };
}

/** There is no code for it: Redis says it in words. */
function isUnknownCommand(error: unknown): boolean {
  return error instanceof Error && /^ERR unknown command/i.test(error.message);
}
