import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Expectations, learned } from "../../packages/server/src/shared/expectations.js";
import {
  keysIn,
  REDIS_MISSING,
  type RedisServer,
  runCommand,
  startRedis,
} from "../servers/redis.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { storeOn } from "./redis-kit.js";

const DAY_MS = 86_400_000;

describe.skipIf(REDIS_MISSING !== undefined)("what redisStore learns", () => {
  let server: RedisServer;
  let opened: OpenedClient;
  beforeAll(async () => {
    server = await startRedis();
    opened = await (SINGLE_CLIENTS[0] as (typeof SINGLE_CLIENTS)[number]).open(server);
  });
  afterAll(async () => {
    opened?.close();
    await server?.stop();
  });

  test("given many durations, has exactly the numbers of the rule learned()", async () => {
    const { store } = storeOn(opened);
    let wanted: Expectations[string] | undefined;
    for (let by = 0; by < 100; by += 1) {
      const ms = 0.001 + (by * 7919) ** 1.5;
      await store.learn("video", { render: ms });
      wanted = learned(wanted, ms);
      expect(await store.expectations("video")).toEqual({ render: wanted });
    }
  });

  test("given a kind, keeps one key for at least 90 days after each call", async () => {
    const { store, prefix } = storeOn(opened);
    await store.learn("video", {});
    expect(await keysIn(server, `${prefix}:*`)).toEqual([]);
    await store.learn("video", { render: 1 });
    const keys = await keysIn(server, `${prefix}:*`);
    expect(keys).toHaveLength(1);
    const [key = ""] = keys;
    await runCommand(server, "PEXPIRE", key, "5000");
    await store.learn("video", { mux: 1 });
    expect(Number(await runCommand(server, "PTTL", key))).toBeGreaterThan(90 * DAY_MS);
    expect(Object.keys(await store.expectations("video")).sort()).toEqual(["mux", "render"]);
  });

  test("given more steps than 1,000, forgets those that were learned least recently", async () => {
    const { store, prefix } = storeOn(opened);
    await store.learn("video", { first: 1 });
    const [key = ""] = await keysIn(server, `${prefix}:*`);
    // As if it had been learned an hour earlier.
    const age = `
      local known = redis.call('HGET', KEYS[1], 'first')
      local at = string.match(known, '%d+$') - 3600
      redis.call('HSET', KEYS[1], 'first', (string.gsub(known, '%d+$', at)))`;
    await runCommand(server, "EVAL", age, "1", key);
    const steps = Array.from({ length: 999 }, (_, by) => [`step-${by}`, 1 + by] as const);
    await store.learn("video", Object.fromEntries(steps));
    expect(Object.keys(await store.expectations("video"))).toHaveLength(1_000);
    await store.learn("video", { last: 1 });
    const known = await store.expectations("video");
    expect(Object.keys(known)).toHaveLength(1_000);
    expect([known.first, known.last?.count]).toEqual([undefined, 1]);
  });
});
