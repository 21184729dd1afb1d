import type { ProgressError } from "@emlinh/progress-protocol";
import { checksFor } from "../../shared/option-checks.js";
import {
  resolveStoreLimits,
  type StoreLimits,
  type StoreOptions,
} from "../shared/store-options.js";
import { isCluster, type RedisClient, type RedisSubscriber } from "./client.js";

/** What `redisStore` takes. `undefined` means the default, `Infinity` lifts a bound. */
export interface RedisStoreOptions extends StoreOptions {
  /**
   * A client of node-redis 4 or later (`createClient`, `createCluster`; connected) or of ioredis 5 or later (`Redis`, `Cluster`). It may be shared with
   * the rest of the app: the store blocks on none of its commands, and never closes it.
   */
  readonly client: RedisClient;
  /**
   * A connection of the store's own to subscribe on, of the same library and to the same server; connected, and closed by whoever made it. By default
   * it is a `duplicate()` of the client, made at the first watch and closed with the store.
   */
  readonly subscriber?: RedisSubscriber | undefined;
  /** Begins the name of each key and channel: any text without braces. Stores with the same one share their jobs. @defaultValue `"progress"` */
  readonly prefix?: string | undefined;
  /**
   * Whether changes are told by sharded channels (Redis 7), which in a Cluster are heard by the job's own node alone. All processes must agree. Where
   * the server has none, plain ones are used. @defaultValue `true` with the client of a Cluster, else `false`
   */
  readonly sharded?: boolean | undefined;
  /** Milliseconds for which the id of a removed job is remembered, to answer `job-expired` in place of "never heard of it". @defaultValue `86_400_000` (a day) */
  readonly tombstoneTtlMs?: number | undefined;
  /**
   * Told when the connection that the store subscribes on fails (`store-unavailable`, once until it is back), and when the server may drop jobs to make
   * room (`store-misconfigured`, once). Must not throw.
   */
  readonly onError?: ((error: ProgressError) => void) | undefined;
}

/** The options of a Redis store, all present but for the subscriber. */
export interface RedisStoreSettings extends StoreLimits {
  readonly client: RedisClient;
  readonly subscriber: RedisSubscriber | undefined;
  readonly prefix: string;
  readonly sharded: boolean;
  readonly tombstoneTtlMs: number;
  readonly onError: (error: ProgressError) => void;
}

/** Fills in the defaults and refuses what can't be meant. */
export function resolveRedisOptions(options: RedisStoreOptions): RedisStoreSettings {
  const checks = checksFor("redisStore");
  const { duration, invalid } = checks;
  const { client, subscriber, prefix = "progress" } = options;
  if (typeof client !== "object" || client === null || !("eval" in client))
    throw invalid("client", client, "a client of node-redis or ioredis");
  if (subscriber === undefined && !("duplicate" in client))
    throw invalid("subscriber", subscriber, "given, since the client has no duplicate()");
  // Braces would be taken for the hash tag, and put all jobs on one node.
  if (typeof prefix !== "string" || prefix === "" || /[{}]/.test(prefix))
    throw invalid("prefix", prefix, "a text without braces");
  return Object.freeze({
    ...resolveStoreLimits(options, checks),
    client,
    subscriber,
    prefix,
    sharded: options.sharded ?? isCluster(client),
    tombstoneTtlMs: duration("tombstoneTtlMs", options.tombstoneTtlMs ?? 86_400_000),
    onError: options.onError ?? (() => {}),
  });
}
