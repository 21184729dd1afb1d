export type { StoreOptions } from "../shared/store-options.js";
export type {
  HearChannel,
  IoRedisClient,
  IoRedisSubscriber,
  NodeRedisClient,
  NodeRedisEval,
  NodeRedisSubscriber,
  RedisClient,
  RedisSubscriber,
} from "./client.js";
export type { RedisStoreOptions } from "./options.js";
export { redisStore } from "./redis-store.js";
