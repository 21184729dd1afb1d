import { isIoRedis } from "../client.js";
import { ioRedisConnection } from "./ioredis.js";
import { nodeRedisConnection } from "./node-redis.js";
import type {
  SubscriberConnection,
  SubscriberEvents,
  SubscriberSource,
} from "./subscriber-connection.js";

/**
 * Opens a connection with the library of the client. Its `error` events are always handled: an unhandled one would
 * end the process.
 */
export function openConnection(
  source: SubscriberSource,
  events: SubscriberEvents,
): SubscriberConnection {
  return isIoRedis(source.client)
    ? ioRedisConnection(source, events)
    : nodeRedisConnection(source, events);
}
