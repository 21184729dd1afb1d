import { dueAt, type JobTimes, timesOfTransition, transitionOf } from "@emlinh/progress-server";
import fc from "fast-check";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../servers/redis.js";
import { draft, storeOn } from "./redis-kit.js";
import { packRecord } from "./redis-record.js";

const NEVER_MS = 4e15;
const TTLS = { ttlMs: 5, idleTtlMs: 7 };
/** The times of a record are near this one, because a job of the past would expire at once. */
const BASE = Date.now();
const EPOCH = "0123456789abcdef01234567";

const time = fc.integer({ min: 0, max: 20 }).map((ms) => BASE + ms);
const optionalTime = fc.option(time, { nil: undefined });
const times: fc.Arbitrary<JobTimes> = fc.record({
  stale: fc.boolean(),
  leaseUntil: optionalTime,
  leaseMs: fc.integer({ min: 1, max: 10 }),
  deadlineAt: optionalTime,
  writtenAt: time,
  endedAt: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, optionalTime),
});

describe.skipIf(REDIS_MISSING !== undefined)("redisStore's transitions", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  test("given any times of a job, a sweep makes the transition of the rule, and plans the next by dueAt", async () => {
    const client = await createClient({ url: server.url }).connect();
    onTestFinished(() => client.destroy());
    const opened = { client, subscriber: async () => client, close() {} };
    const { store, prefix } = storeOn(opened, TTLS);
    await store.create(draft("job"));
    const [key = ""] = await client.keys(`${prefix}:*:job:job`);
    const due = `${key.slice(0, key.indexOf("job:"))}due`;
    const made = new Set<string>();
    for (const [job, at] of fc.sample(fc.tuple(times, time), { numRuns: 500, seed: 7 })) {
      const { stale, leaseUntil = 0, deadlineAt = NEVER_MS, endedAt = 0, ...others } = job;
      const numbers = { ...others, stale: Number(stale), leaseUntil, deadlineAt, endedAt };
      const record = packRecord({ ...numbers, version: 1, attempt: 1, epoch: EPOCH });
      await client.hSet(key, ".", record);
      await client.zAdd(due, { value: "job", score: BASE });
      const transition = transitionOf(job, TTLS, at) ?? "none";
      const what = JSON.stringify({ job, at, transition });
      const { more: _, timedOut, ...report } = await store.sweep(at, 10);
      const counts = Object.entries({ ...report, "timed-out": timedOut });
      expect(counts.find(([, count]) => count > 0)?.[0] ?? "none", what).toBe(transition);
      made.add(transition);
      if (transition === "expired") continue;
      const set =
        transition === "none" ? {} : { ...timesOfTransition(transition, at), writtenAt: at };
      expect(await client.zScore(due, "job"), what).toBe(dueAt({ ...job, ...set }, TTLS));
    }
    expect([...made].sort()).toEqual(["expired", "lost", "none", "stale", "timed-out"]);
  });
});
