import type { ProgressStore } from "../../core/store.js";
import { storeClosed } from "../../shared/errors.js";
import { redisCalls } from "./calls.js";
import { createJob } from "./create-job.js";
import { warnOfEviction } from "./eviction-warning.js";
import { redisKeys } from "./keys.js";
import { learnedDurations } from "./learned-durations.js";
import { redisLists } from "./lists/job-lists.js";
import { GRACE_MS, redisScripts } from "./lua/scripts.js";
import { type RedisStoreOptions, resolveRedisOptions } from "./options.js";
import { scriptRunner } from "./run-script.js";
import { redisSweep } from "./sweep.js";
import { createRedisWatches } from "./watches.js";

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
  const { client, sharded, tombstoneTtlMs, maxLogLines, ttlMs, idleTtlMs, onError } = settings;
  const keys = redisKeys(settings.prefix);
  const scripts = redisScripts(settings, sharded);
  const run = scriptRunner(client);
  const keepMs = idleTtlMs + ttlMs + GRACE_MS;
  const calls = redisCalls({ run, scripts, keys, tombstoneTtlMs });
  const lists = redisLists({ run, scripts, keys, keepMs });
  const learned = learnedDurations({ run, scripts, keys });
  const watches = createRedisWatches(settings, onError);
  const sweep = redisSweep(calls, lists, keys.indexes);
  let closed = false;
  let isChecked = false;

  function assertOpen(): void {
    if (closed) throw storeClosed();
    if (isChecked) return;
    isChecked = true;
    warnOfEviction(calls.memoryInfo, onError);
  }

  return {
    maxLogLines,

    async create(draft) {
      assertOpen();
      return createJob(draft, { calls, lists, keepMs });
    },

    async write(jobId, change) {
      assertOpen();
      return calls.write(jobId, change);
    },

    async read(jobId, after) {
      assertOpen();
      return calls.read(jobId, after);
    },

    async list(subject, page) {
      assertOpen();
      return lists.page(subject, page);
    },

    async watch(target, wake) {
      assertOpen();
      const { channel } =
        "jobId" in target ? keys.of(target.jobId) : keys.ofSubject(target.subject);
      return watches.watch(channel, wake);
    },

    async remove(jobId) {
      assertOpen();
      const removed = await calls.remove(jobId);
      if (removed === undefined) return false;
      // The entries and the pointer of the key are in other slots, as for a job that a sweep removes.
      await lists.remove(removed);
      if (removed.key !== "") await calls.releaseKey(removed.key, jobId);
      return true;
    },

    async learn(kind, durations) {
      assertOpen();
      await learned.learn(kind, durations);
    },

    async expectations(kind) {
      assertOpen();
      return learned.expectations(kind);
    },

    async sweep(now, limit, onEnd) {
      assertOpen();
      return sweep(now, limit, onEnd);
    },

    async close() {
      closed = true;
      watches.close();
    },
  };
}
