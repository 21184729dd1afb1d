/**
 * The part of a node-redis client (4 or later) that the store uses: of a single client or a Cluster. It must be
 * connected.
 */
export interface NodeRedisClient {
  evalSha(sha: string, options: NodeRedisEval): Promise<unknown>;
  eval(script: string, options: NodeRedisEval): Promise<unknown>;
  /** Creates the connection to subscribe on, unless one is passed in. */
  duplicate?(overrides?: object): NodeRedisSubscriber;
}

/** The keys and arguments of a script. */
export interface NodeRedisEval {
  keys: string[];
  arguments: string[];
}

/** The part of a node-redis client that the store uses to subscribe. */
export interface NodeRedisSubscriber {
  /** `false` once the client is closed or has given up connecting. */
  readonly isOpen?: boolean;
  /** Whether it is connected. */
  readonly isReady?: boolean;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: HearChannel): Promise<unknown>;
  unsubscribe(channel: string, listener: HearChannel): Promise<unknown>;
  sSubscribe?(channel: string, listener: HearChannel): Promise<unknown>;
  sUnsubscribe?(channel: string, listener: HearChannel): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  /** node-redis 5 and later. */
  destroy?(): unknown;
  /** node-redis 4. */
  disconnect?(): unknown;
}

/** A listener for the messages of node-redis: strings, or `Buffer`s if the client is configured to return them. */
export type HearChannel = (message: unknown, channel: unknown) => void;

/** The part of an ioredis client (5 or later) that the store uses: of `Redis` or `Cluster`. */
export interface IoRedisClient {
  readonly isCluster: boolean;
  evalsha(sha: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** The part of an ioredis client that the store uses to subscribe. */
export interface IoRedisSubscriber {
  readonly status: string;
  readonly isCluster: boolean;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ssubscribe?(...channels: string[]): Promise<unknown>;
  sunsubscribe?(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  /** @param reconnect - Whether it then connects again. */
  disconnect(reconnect?: boolean): unknown;
}

/** A client of either library. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** A client of either library, to subscribe on. */
export type RedisSubscriber = NodeRedisSubscriber | IoRedisSubscriber;

/** Whether the client is one of ioredis, which names its commands in lower case. */
export function isIoRedis(client: RedisClient): client is IoRedisClient {
  return "evalsha" in client;
}

/** Whether the client is connected to a Cluster. */
export function isCluster(client: RedisClient): boolean {
  return isIoRedis(client) ? client.isCluster : "getRandomNode" in client;
}

/** A string in a reply or a message. Clients may be configured to return `Buffer`s. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : String(value);
}
