import type { ProgressError } from "@emlinh/progress-protocol";
import { neverThrows } from "../../shared/never-throws.js";
import { checksFor } from "../../shared/option-checks.js";
import { createErrorPrinter } from "../../shared/print-error.js";
import { DEFAULT_PROBE_MS } from "../shared/probe.js";
import {
  resolveStoreLimits,
  type StoreLimits,
  type StoreOptions,
} from "../shared/store-options.js";
import { isCluster, type RedisClient, type RedisSubscriber } from "./client.js";

/** The options of `redisStore`. `undefined` means the default, `Infinity` lifts a bound. */
export interface RedisStoreOptions extends StoreOptions {
  /**
   * A client of node-redis 4 or later (`createClient`, `createCluster`; connected) or of ioredis 5 or later (`Redis`,
   * `Cluster`). It may be shared with the rest of the app: no command of the store blocks it, and the store never
   * closes it.
   */
  readonly client: RedisClient;
  /**
   * A connection that only this store subscribes on, of the same library and to the same server. It must be
   * connected, and the app closes it. If it gives no answer, the store makes it connect again; this is not possible
   * with `createCluster` of node-redis.
   *
   * @defaultValue a `duplicate()` of the client, made by the first watch and closed with the store
   */
  readonly subscriber?: RedisSubscriber | undefined;
  /**
   * The start of the name of each key and channel: a string without braces, not empty. Stores with the same prefix
   * share their jobs.
   *
   * @defaultValue `"progress"`
   */
  readonly prefix?: string | undefined;
  /**
   * Whether changes are published on sharded channels (Redis 7), which in a Cluster stay on the node of the job. All
   * processes must use the same value. If the server has no sharded channels, plain ones are used.
   *
   * @defaultValue `true` with the client of a Cluster, else `false`
   */
  readonly sharded?: boolean | undefined;
  /**
   * Milliseconds for which the store remembers the id of a removed job. During this time it answers `job-expired`,
   * afterwards as for an unknown job. Above 0.
   *
   * @defaultValue `86_400_000` (a day)
   */
  readonly tombstoneTtlMs?: number | undefined;
  /**
   * Milliseconds between two checks whether the connection that the store subscribes on still works, because a network
   * that was cut reports nothing. A connection that gives no answer within a third of that is replaced. Above 0.
   *
   * @defaultValue `15_000`
   */
  readonly probeMs?: number | undefined;
  /**
   * Called when the connection that the store subscribes on fails (`store-unavailable`, once per outage), and when
   * the server is set up to evict jobs (`store-misconfigured`, once). An error that it throws is ignored.
   *
   * @defaultValue writes one line to stderr per kind of error
   */
  readonly onError?: ((error: ProgressError) => void) | undefined;
}

/** The options of a Redis store with all defaults filled in. */
export interface RedisStoreSettings extends StoreLimits {
  readonly client: RedisClient;
  readonly subscriber: RedisSubscriber | undefined;
  readonly prefix: string;
  readonly sharded: boolean;
  readonly tombstoneTtlMs: number;
  readonly probeMs: number;
  /** Never throws. */
  readonly onError: (error: ProgressError) => void;
}

/** The type makes a missing name an error. */
const OWN_NAMES: {
  readonly [Name in Exclude<keyof RedisStoreOptions, keyof StoreOptions>]-?: true;
} = {
  client: true,
  subscriber: true,
  prefix: true,
  sharded: true,
  tombstoneTtlMs: true,
  probeMs: true,
  onError: true,
};

/** Fills in the defaults and checks the options. @throws ProgressError `invalid-option` */
export function resolveRedisOptions(options: RedisStoreOptions): RedisStoreSettings {
  const checks = checksFor("redisStore", "redisStore({ client })");
  const { duration, callback, flag, invalid } = checks;
  const limits = resolveStoreLimits(options, checks, OWN_NAMES);
  const { client, subscriber, prefix = "progress" } = options;
  if (!hasMethod(client, "eval"))
    throw invalid(
      "client",
      client,
      "a client, such as createClient() of redis or new Redis() of ioredis",
    );
  if (subscriber === undefined && !hasMethod(client, "duplicate"))
    throw invalid(
      "subscriber",
      subscriber,
      "a connected client, because client has no duplicate()",
    );
  if (subscriber !== undefined && !hasMethod(subscriber, "subscribe"))
    throw invalid("subscriber", subscriber, "a client of the same library as client");
  // Redis would take braces for the hash tag, and keep all jobs on one node.
  if (typeof prefix !== "string" || prefix === "" || /[{}]/.test(prefix))
    throw invalid("prefix", prefix, "a string without braces that is not empty");
  flag("sharded", options.sharded);
  callback("onError", options.onError);
  return Object.freeze({
    ...limits,
    client,
    subscriber,
    prefix,
    sharded: options.sharded ?? isCluster(client),
    tombstoneTtlMs: duration("tombstoneTtlMs", options.tombstoneTtlMs ?? 86_400_000),
    probeMs: duration("probeMs", options.probeMs ?? DEFAULT_PROBE_MS),
    onError: neverThrows(options.onError ?? createErrorPrinter()),
  });
}

function hasMethod<Name extends string>(
  value: unknown,
  name: Name,
): value is { readonly [Key in Name]: (...args: never) => unknown } {
  return (
    typeof value === "object" && value !== null && typeof Reflect.get(value, name) === "function"
  );
}
