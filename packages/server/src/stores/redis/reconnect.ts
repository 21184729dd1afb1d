import { elapsed } from "../../shared/time.js";
import { isIoRedis, type RedisClient } from "./client.js";

/** The least time between two reconnects of a client, in milliseconds. */
const MIN_INTERVAL_MS = 5_000;

/** The part of a single client of ioredis that is used. */
interface IoRedisSingle {
  readonly status: string;
  disconnect(reconnect: boolean): void;
}

/** The part of a single client of node-redis that is used. */
interface NodeRedisSingle {
  readonly isReady: boolean;
  sendCommand(args: string[]): Promise<unknown>;
  listenerCount?(event: string): number;
}

/**
 * Returns the function that makes a client connect again, at most once in {@link MIN_INTERVAL_MS}. After a failover
 * its address, or its Sentinel, may lead to the new primary, while the open connection stays at the old one.
 *
 * The clients of a Cluster, and pools and Sentinel clients of node-redis, find the new primary by themselves or not at
 * all; for them it does nothing.
 */
export function reconnector(client: RedisClient): () => void {
  const reconnect = reconnectOf(client);
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (elapsed() - last < MIN_INTERVAL_MS) return;
    last = elapsed();
    reconnect();
  };
}

function reconnectOf(client: RedisClient): () => void {
  if (isIoRedis(client)) {
    const single = client as unknown as IoRedisSingle;
    return () => {
      if (!client.isCluster && single.status === "ready") single.disconnect(true);
    };
  }
  const isSingle =
    "isReady" in client && !("getRandomNode" in client) && !("getMasterNode" in client);
  return isSingle ? () => closeByServer(client as unknown as NodeRedisSingle) : () => {};
}

/**
 * node-redis has no method for it, but it connects again if the server closes the connection, as it does at QUIT. It
 * then emits `error`, which would end the process if the app did not listen.
 */
function closeByServer(client: NodeRedisSingle): void {
  if (!client.isReady || client.listenerCount?.("error") === 0) return;
  // The answer may be lost with the connection.
  client.sendCommand(["QUIT"]).catch(() => {});
}
