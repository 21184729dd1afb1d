import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { REDIS_MISSING, type RedisServer, runCommand, startRedis } from "../servers/redis.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { change, draft, storeOn } from "./redis-kit.js";

describe.skipIf(REDIS_MISSING !== undefined)("the reads of redisStore", () => {
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

  /** The commands that a call makes the server run, also from a script, in order of their names. */
  async function commandsOf(call: () => Promise<unknown>): Promise<readonly string[]> {
    await runCommand(server, "CONFIG", "RESETSTAT");
    await call();
    const stats = String(await runCommand(server, "INFO", "commandstats"));
    const names = Array.from(stats.matchAll(/cmdstat_([a-z]+):/g), ([, name]) => name ?? "");
    return names.filter((name) => !OF_THE_TEST.has(name)).sort();
  }

  test.each([false, true])(
    "given a read that finds nothing new, looks at the version only (the job has ended: %s)",
    async (hasEnded) => {
      const { store } = storeOn(opened);
      await store.create(draft("a"));
      const names = Array.from({ length: 20_000 }, (_, by) => `metadata.m${by}`);
      const set = Object.fromEntries(names.map((name) => [name, name]));
      const log = [{ at: 1, level: "info", text: "one" }] as const;
      const status = hasEnded ? "completed" : "running";
      const { cursor } = await store.write("a", change({ ...set, status }, { log }));
      // The store's first call also looks at the memory settings.
      await store.read("a", cursor);
      expect(await commandsOf(() => store.read("a", cursor))).toEqual(["evalsha", "hget", "time"]);
      expect(await commandsOf(() => store.read("a"))).toEqual([
        "evalsha",
        "hget",
        "hgetall",
        "lrange",
        "time",
      ]);
      expect(await store.read("a", cursor)).toMatchObject({ cursor, set: {}, log: [] });
    },
  );
});

const OF_THE_TEST: ReadonlySet<string> = new Set(["client", "config", "hello", "info"]);
