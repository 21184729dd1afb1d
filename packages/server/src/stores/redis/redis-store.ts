import type { ProgressStore, Unwatch, Wake, WatchTarget } from "../../core/store.js";
import { storeClosed } from "../../shared/errors.js";
import { redisCalls } from "./calls.js";
import { type CreateJobOptions, createJob } from "./create-job.js";
import { warnOfEviction } from "./eviction-warning.js";
import { type RedisKeys, redisKeys } from "./keys.js";
import { type LearnedDurations, learnedDurations } from "./learned-durations.js";
import { redisLists } from "./lists/job-lists.js";
import { GRACE_MS, redisScripts } from "./lua/scripts.js";
import { type RedisStoreOptions, type RedisStoreSettings, resolveRedisOptions } from "./options.js";
import { scriptRunner } from "./run-script.js";
import { type RedisSweep, redisSweep } from "./sweep.js";
import { createRedisWatches, type RedisWatches } from "./watches.js";

/**
 * Keeps jobs in Redis (6.2 or later) or Valkey, a single server or a Cluster, for any number of processes on any
 * number of machines.
 *
 * A write is one script, and so one round trip: it checks, counts, stores, publishes and sets the expiry in one step.
 * All times are the server's. The first watch opens one more connection, to subscribe on.
 *
 * A subject's list is in a slot of its own. An entry is added before its job is created and removed after the job, and
 * a page returns only jobs that exist. So a creation with subjects takes three round trips.
 *
 * Jobs are as durable as the server is configured to be. After a restart without its data, or a failover to a replica
 * that was behind, readers get the state that the server has, as a reset, or the answer that the job is unknown.
 *
 * @throws ProgressError `invalid-option`
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P18, P47, P62
 *
 * @example node-redis
 * ```ts
 * import { createProgress, allowAnyone } from "@emlinh/progress-server";
 * import { redisStore } from "@emlinh/progress-server/stores/redis";
 * import { createClient } from "redis";
 *
 * const client = createClient({ url: "redis://localhost:6379" });
 * client.on("error", (error) => console.error(error));
 * await client.connect();
 * const store = redisStore({ client, onError: (error) => console.error(error) });
 * const progress = createProgress({ store, authorize: allowAnyone });
 * ```
 *
 * @example ioredis
 * ```ts
 * import { redisStore } from "@emlinh/progress-server/stores/redis";
 * import { Redis } from "ioredis";
 *
 * const store = redisStore({ client: new Redis("redis://localhost:6379") });
 * ```
 */
export function redisStore(options: RedisStoreOptions): ProgressStore {
  const settings = resolveRedisOptions(options);
  const parts = redisParts(settings);
  let closed = false;
  let isChecked = false;

  /** @throws ProgressError `closed` */
  function open(): RedisParts {
    if (closed) throw storeClosed();
    if (!isChecked) warnOfEviction(parts.calls.memoryInfo, settings.onError);
    isChecked = true;
    return parts;
  }

  return {
    maxLogLines: settings.maxLogLines,
    create: async (draft) => createJob(draft, open()),
    write: async (jobId, change) => open().calls.write(jobId, change),
    read: async (jobId, after) => open().calls.read(jobId, after),
    list: async (subject, page) => open().lists.page(subject, page),
    watch: async (target, wake) => watchTarget(open(), target, wake),
    remove: async (jobId) => removeJob(open(), jobId),
    learn: async (kind, durations) => open().learned.learn(kind, durations),
    expectations: async (kind) => open().learned.expectations(kind),
    sweep: async (now, limit, onEnd) => open().sweep(now, limit, onEnd),
    async close() {
      closed = true;
      parts.watches.close();
    },
  };
}

interface RedisParts extends CreateJobOptions {
  readonly keys: RedisKeys;
  readonly learned: LearnedDurations;
  readonly watches: RedisWatches;
  readonly sweep: RedisSweep;
}

function redisParts(settings: RedisStoreSettings): RedisParts {
  const { client, prefix, sharded, tombstoneTtlMs, ttlMs, idleTtlMs, onError } = settings;
  const keys = redisKeys(prefix);
  const scripts = redisScripts(settings, sharded);
  const run = scriptRunner(client);
  const keepMs = idleTtlMs + ttlMs + GRACE_MS;
  const calls = redisCalls({ run, scripts, keys, tombstoneTtlMs });
  const lists = redisLists({ run, scripts, keys, keepMs });
  return {
    keys,
    keepMs,
    calls,
    lists,
    learned: learnedDurations({ run, scripts, keys }),
    watches: createRedisWatches(settings, onError),
    sweep: redisSweep(calls, lists, keys.indexes),
  };
}

function watchTarget(
  { keys, watches }: RedisParts,
  target: WatchTarget,
  wake: Wake,
): Promise<Unwatch> {
  const { channel } = "jobId" in target ? keys.of(target.jobId) : keys.ofSubject(target.subject);
  return watches.watch(channel, wake);
}

async function removeJob({ calls, lists }: RedisParts, jobId: string): Promise<boolean> {
  const removed = await calls.remove(jobId);
  if (removed === undefined) return false;
  // The entries and the pointer of the key are in other slots, as for a job that a sweep removes.
  await lists.remove(removed);
  if (removed.key !== "") await calls.releaseKey(removed.key, jobId);
  return true;
}
