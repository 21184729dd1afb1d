import { hexOf } from "../../shared/ids.js";
import type { RedisScript } from "./scripts.js";

/** What the store uses of a client of node-redis (4 and later): of a single one, or of one of a Cluster. It must be connected. */
export interface NodeRedisClient {
  evalSha(sha: string, options: NodeRedisEval): Promise<unknown>;
  eval(script: string, options: NodeRedisEval): Promise<unknown>;
  /** Makes the connection to subscribe on, unless one is handed in. */
  duplicate?(overrides?: object): NodeRedisSubscriber;
}

/** Keys and arguments of a script. */
export interface NodeRedisEval {
  keys: string[];
  arguments: string[];
}

/** What the store uses of the node-redis client on which it subscribes. */
export interface NodeRedisSubscriber {
  /** `false` once it is closed, or gave up. */
  readonly isOpen?: boolean;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: HearChannel): Promise<unknown>;
  unsubscribe(channel: string, listener: HearChannel): Promise<unknown>;
  sSubscribe?(channel: string, listener: HearChannel): Promise<unknown>;
  sUnsubscribe?(channel: string, listener: HearChannel): Promise<unknown>;
  on(event: string, listener: (...facts: unknown[]) => void): unknown;
  off(event: string, listener: (...facts: unknown[]) => void): unknown;
  /** 5 and later. */
  destroy?(): unknown;
  /** 4. */
  disconnect?(): unknown;
}

/** A listener of node-redis': of texts, or of bytes where its client is set to give these. */
export type HearChannel = (message: unknown, channel: unknown) => void;

/** What the store uses of a client of ioredis (5 and later): `Redis` or `Cluster`. */
export interface IoRedisClient {
  readonly isCluster: boolean;
  evalsha(sha: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** What the store uses of the ioredis client on which it subscribes. */
export interface IoRedisSubscriber {
  readonly status: string;
  readonly isCluster: boolean;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ssubscribe?(...channels: string[]): Promise<unknown>;
  sunsubscribe?(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...facts: unknown[]) => void): unknown;
  off(event: string, listener: (...facts: unknown[]) => void): unknown;
  disconnect(): unknown;
}

/** A client of either library. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** A client of either library, to subscribe on. */
export type RedisSubscriber = NodeRedisSubscriber | IoRedisSubscriber;

/** Runs a script; with its reply as the client gives it. */
export type RunScript = (script: RedisScript, keys: string[], args: string[]) => Promise<unknown>;

/** Whether this is a client of ioredis: that writes its commands in lower case. */
export function isIoRedis(client: RedisClient): client is IoRedisClient {
  return "evalsha" in client;
}

/** Whether a client talks to a Cluster. */
export function isCluster(client: RedisClient): boolean {
  return isIoRedis(client) ? client.isCluster : "getRandomNode" in client;
}

/** How scripts are run on a client. */
export function runnerOf(client: RedisClient): RunScript {
  const { bySha, bySource } = isIoRedis(client) ? ioRedisCalls(client) : nodeRedisCalls(client);
  return async (script, keys, args) => {
    script.sha ??= await sha1(script.source);
    try {
      return await bySha(script.sha, keys, args);
    } catch (error) {
      // The first word of an error is its code in Redis' protocol. A server forgets its scripts when it restarts, and a replica takes over without them.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return await bySource(script.source, keys, args);
    }
  };
}

type Call = (script: string, keys: string[], args: string[]) => Promise<unknown>;

function nodeRedisCalls(client: NodeRedisClient): { bySha: Call; bySource: Call } {
  if (isCluster(client) && !("destroy" in client))
    return clusterCallsOf4(client as unknown as NodeRedisCluster4);
  return {
    bySha: (sha, keys, args) => client.evalSha(sha, { keys, arguments: args }),
    bySource: (source, keys, args) => client.eval(source, { keys, arguments: args }),
  };
}

interface NodeRedisCluster4 {
  sendCommand(firstKey: string | undefined, isReadonly: boolean, args: string[]): Promise<unknown>;
}

/** The cluster client of node-redis 4 takes the wrong argument for the first key of a script, and asks any node; commands as they are it sends right. */
function clusterCallsOf4(client: NodeRedisCluster4): { bySha: Call; bySource: Call } {
  const calls =
    (command: string): Call =>
    (script, keys, args) =>
      client.sendCommand(keys[0], false, [command, script, `${keys.length}`, ...keys, ...args]);
  return { bySha: calls("EVALSHA"), bySource: calls("EVAL") };
}

function ioRedisCalls(client: IoRedisClient): { bySha: Call; bySource: Call } {
  return {
    bySha: (sha, keys, args) => client.evalsha(sha, keys.length, ...keys, ...args),
    bySource: (source, keys, args) => client.eval(source, keys.length, ...keys, ...args),
  };
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return hexOf(new Uint8Array(digest));
}

/** A text in a reply: some clients are told to give bytes. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : String(value);
}
