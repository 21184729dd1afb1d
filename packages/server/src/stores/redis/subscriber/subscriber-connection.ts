import type { RedisClient, RedisSubscriber } from "../client.js";

/** The connection that the store subscribes on, of either client library. */
export interface SubscriberConnection {
  /** Resolves at the first connect. Rejects if the client gives up. */
  readonly ready: Promise<unknown>;
  /** `false` once the client gave up. The connection must then be replaced. */
  isAlive(): boolean;
  /** Resolves when the subscription is in force. */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /**
   * Makes a connection that the app passed in connect and subscribe again. `undefined` for a connection that the store
   * made, which is replaced instead.
   */
  readonly reconnect: (() => void) | undefined;
  /** Closes the connection if the store made it, else removes the store's listeners and subscriptions from it. */
  close(): void;
}

/** The events of a connection. */
export interface SubscriberEvents {
  onMessage(text: string, channel: string): void;
  /** The connection was lost and is subscribed again. Messages that were sent meanwhile are lost. */
  onReconnect(): void;
  onError(error: unknown): void;
  /** The channels to which the connection has to be subscribed. */
  channels(): Iterable<string>;
}

/** Where the connection comes from. */
export interface SubscriberSource {
  readonly client: RedisClient;
  /** The connection that the app passed in. By default the store makes one from `client`. */
  readonly subscriber: RedisSubscriber | undefined;
  /** Whether to subscribe to sharded channels. */
  readonly sharded: boolean;
  /** Milliseconds between two checks whether the connection answers. */
  readonly probeMs: number;
}
