import { isProgressError } from "@emlinh/progress-server";
import {
  type NodeRedisClient,
  type RedisStoreOptions,
  redisStore,
} from "@emlinh/progress-server/stores/redis";
import { Redis } from "ioredis";
import { createClient, createClientPool, RESP_TYPES } from "redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  keysIn,
  REDIS_MISSING,
  type RedisServer,
  runCommand,
  startRedis,
} from "../servers/redis.js";
import { codeOf, until } from "./await-helpers.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { change, cutSubscribers, draft, storeOn } from "./redis-kit.js";

const RUNNING_STEP = { "steps.render": { status: "running", percent: 1 } };

describe.skipIf(REDIS_MISSING !== undefined)(
  "redisStore with servers and clients of different setups",
  () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedis();
    });
    afterAll(() => server.stop());

    for (const { name, open } of SINGLE_CLIENTS) {
      describe(`on ${name}`, () => {
        async function clientOf(own: RedisServer): Promise<OpenedClient> {
          const opened = await open(own);
          onTestFinished(() => opened.close());
          return opened;
        }

        test.each([
          ["allkeys-lru", "100mb", true],
          ["volatile-ttl", "100mb", true],
          ["noeviction", "100mb", false],
          ["allkeys-lru", "0", false],
        ])(
          "given the policy %s with maxmemory %s, warns once: %s",
          async (policy, bytes, warns) => {
            await runCommand(
              server,
              "CONFIG",
              "SET",
              "maxmemory",
              bytes,
              "maxmemory-policy",
              policy,
            );
            onTestFinished(async () => {
              await runCommand(
                server,
                "CONFIG",
                "SET",
                "maxmemory",
                "0",
                "maxmemory-policy",
                "noeviction",
              );
            });
            const { store, errors } = storeOn(await clientOf(server));
            await store.create(draft("a"));
            await store.read("a");
            // Its reply comes after that of the memory check, which was sent earlier on the same connection.
            await store.write("a", change({ percent: 1 }));
            expect(errors.map(({ code }) => code)).toEqual(warns ? ["store-misconfigured"] : []);
            if (warns) expect(errors[0]?.details).toEqual({ policy, maxMemoryBytes: 104_857_600 });
          },
        );

        test("given a server whose memory is full, refuses new data, but reads, ends and removes jobs", async () => {
          const own = await startRedis();
          onTestFinished(() => own.stop());
          const { store } = storeOn(await clientOf(own));
          for (const id of ["a", "b", "d"]) await store.create(draft(id));
          const started = change({ percent: 1, ...RUNNING_STEP }, { leaseMs: 1000 });
          const { cursor: running } = await store.write("a", started);
          await store.write("d", change({}, { leaseMs: 100_000_000 }));
          const { cursor } = await store.write("b", change({ status: "completed" }));
          await runCommand(own, "CONFIG", "SET", "maxmemory", "1");
          await expect(store.create(draft("c"))).rejects.toThrow(/OOM/);
          await expect(store.write("a", change({ message: "two" }))).rejects.toThrow(/OOM/);
          expect(await store.read("c")).toBeUndefined();
          expect(await store.read("a")).toMatchObject({ cursor: running, set: { percent: 1 } });
          expect(await store.read("b", cursor)).toMatchObject({ cursor, set: {} });
          const later = Date.now() + 10_000_000;
          expect(await store.sweep(later, 10)).toMatchObject({ stale: 1, expired: 1 });
          expect(await store.sweep(later + 1000, 10)).toMatchObject({ lost: 1 });
          const lost = await store.read("a");
          expect(lost?.set["steps.render"]).toMatchObject({ status: "failed" });
          expect(await store.sweep(2 * later, 10)).toMatchObject({ expired: 1 });
          expect(await store.remove("d")).toBe(true);
          await runCommand(own, "CONFIG", "SET", "maxmemory", "0");
          await store.create(draft("c"));
        });

        test.each([
          ["Redis 7, which has sharded channels", [], "SHARDCHANNELS"],
          [
            "Redis 6, which has none",
            ["--rename-command", "SSUBSCRIBE", "", "--rename-command", "SPUBLISH", ""],
            "CHANNELS",
          ],
        ])("given %s, uses the best channels that it has", async (_, args, kind) => {
          const own = await startRedis({ args });
          onTestFinished(() => own.stop());
          const { store, prefix } = storeOn(await clientOf(own), { sharded: true });
          const wakes: unknown[] = [];
          const unwatch = await store.watch({ jobId: "a" }, (version) => wakes.push(version));
          expect(await runCommand(own, "PUBSUB", kind, `${prefix}:*`)).toHaveLength(1);
          await store.create(draft("a"));
          await store.write("a", change({ percent: 1 }));
          await until("the watch is woken", () => wakes.length === 2);
          expect(wakes).toEqual([undefined, 2]);
          await cutSubscribers(own);
          await until("the watch is woken after the reconnect", () => wakes.length > 2);
          await store.write("a", change({ percent: 2 }));
          await until("the watch is woken again", () => wakes.at(-1) === 3);
          await unwatch();
          const left = async (): Promise<boolean> =>
            ((await runCommand(own, "PUBSUB", kind, `${prefix}:*`)) as []).length === 0;
          await until("the channel is unsubscribed", left);
        });
      });
    }

    test("given a user with only the rights that the store needs, works without an error", async () => {
      const rules = ["on", ">secret", "resetkeys", "~acl:*", "resetchannels", "&acl:*", "-@all"];
      const commands = "evalsha eval hget hset hgetall del time rpush lrange ltrim zadd zrem"
        .concat(
          " zrangebyscore zrevrange zrevrangebyscore zrandmember zscore hlen hdel pexpire pexpireat",
        )
        .concat(" pttl get set publish subscribe unsubscribe")
        .split(" ")
        .map((command) => `+${command}`);
      await runCommand(server, "ACL", "SETUSER", "worker", ...rules, ...commands);
      const client = createClient({ url: server.url.replace("//", "//worker:secret@") });
      const errors: unknown[] = [];
      client.on("error", (error) => errors.push(error));
      await client.connect();
      onTestFinished(() => client.destroy());
      const store = redisStore({ client, prefix: "acl", onError: (error) => errors.push(error) });
      onTestFinished(() => store.close());
      let wakes = 0;
      const unwatch = await store.watch({ jobId: "a" }, () => {
        wakes += 1;
      });
      const unwatchList = await store.watch({ subject: "user:1" }, () => {});
      await store.create(draft("a", { key: "k", subjects: ["user:1"] }));
      await store.create(draft("c", { subjects: ["user:1"] }));
      await store.learn("video", { render: 1_000 });
      const known = { render: expect.objectContaining({ count: 1 }) };
      expect(await store.expectations("video")).toEqual(known);
      expect(await store.list("user:1", { limit: 1 })).toMatchObject({ jobs: ["c"] });
      const line = { at: 1, level: "info", text: "a line" } as const;
      for (let by = 0; by < 300; by += 1)
        await store.write("a", change({ message: "one" }, { leaseMs: 10, log: [line] }));
      await store.sweep(Date.now() + 1000, 10);
      await store.sweep(Date.now() + 100_000_000, 10);
      await store.sweep(Date.now() + 200_000_000, 10);
      expect(await codeOf(store.read("a"))).toBe("job-expired");
      await until("the watch is woken", () => wakes >= 303);
      await store.create(draft("b", { key: "k" }));
      await store.write("b", change({ ...RUNNING_STEP, status: "failed" }, { log: [line] }));
      expect(await store.remove("b")).toBe(true);
      expect(await store.list("user:1", { limit: 1 })).toEqual({ jobs: [], next: undefined });
      await unwatch();
      await unwatchList();
      expect(errors).toEqual([]);
    });

    test("given a client with a key prefix, uses keys below it, and wakes its watches", async () => {
      const client = new Redis({ port: server.port, host: "127.0.0.1", keyPrefix: "app:" });
      onTestFinished(() => client.disconnect());
      const store = redisStore({ client, prefix: "inner" });
      onTestFinished(() => store.close());
      let wakes = 0;
      await store.watch({ jobId: "a" }, () => {
        wakes += 1;
      });
      let listWakes = 0;
      await store.watch({ subject: "user:1" }, () => {
        listWakes += 1;
      });
      await store.create(draft("a", { key: "k", subjects: ["user:1"] }));
      await store.write("a", change({ percent: 1 }));
      await until("the watches are woken", () => wakes >= 2 && listWakes >= 1);
      expect((await store.list("user:1", { limit: 1 })).jobs).toEqual(["a"]);
      expect((await keysIn(server, "app:inner:*")).length).toBe(4);
      expect(await keysIn(server, "inner:*")).toEqual([]);
      expect(await store.sweep(Date.now() + 1e9, 10)).toMatchObject({ expired: 1 });
    });

    test("given a client that returns buffers, reads the same values", async () => {
      const client = createClient({ url: server.url });
      await client.connect();
      onTestFinished(() => client.destroy());
      const bytes = client.withTypeMapping({
        [RESP_TYPES.BLOB_STRING]: Buffer,
      }) as unknown as NodeRedisClient;
      const store = redisStore({ client: bytes, prefix: "bytes" });
      onTestFinished(() => store.close());
      const { cursor } = await store.create(draft("a", { key: "k", subjects: ["user:1"] }));
      expect((await store.list("user:1", { limit: 1 })).jobs).toEqual(["a"]);
      await store.learn("video", { render: 1 });
      expect(await store.expectations("video")).toEqual({
        render: { count: 1, mean: 0, variance: 0 },
      });
      const { cursor: next } = await store.write("a", change({ message: "ä €" }, { leaseMs: 1 }));
      expect(await store.read("a", cursor)).toMatchObject({
        cursor: next,
        set: { message: "ä €" },
      });
      expect(await store.read("a", next)).toEqual({
        cursor: next,
        reset: false,
        set: {},
        log: [],
        done: false,
        now: expect.any(Number),
      });
      expect(await store.sweep(Date.now() + 1000, 10)).toMatchObject({ stale: 1 });
      expect(await store.sweep(Date.now() + 2000, 10)).toMatchObject({ lost: 1 });
      expect(await codeOf(store.write("a", change({ percent: 1 })))).toBe("job-finished");
      const end = await store.read("a", next);
      expect(end).toMatchObject({ done: true, set: { status: "lost" } });
      expect(await store.read("a", end?.cursor)).toMatchObject({ done: true, set: {} });
      expect(await store.remove("a")).toBe(true);
      expect((await store.list("user:1", { limit: 1 })).jobs).toEqual([]);
      expect(await store.create(draft("b", { key: "k" }))).toMatchObject({ jobId: "b" });
    });

    test("given a pool, works with a subscriber, and throws without one", async () => {
      const pool = createClientPool({ url: server.url });
      await pool.connect();
      const subscriber = createClient({ url: server.url });
      await subscriber.connect();
      onTestFinished(() => {
        pool.destroy();
        subscriber.destroy();
      });
      expect(() => redisStore({ client: pool })).toThrow("subscriber");
      const store = redisStore({ client: pool, subscriber, prefix: "pool" });
      onTestFinished(() => store.close());
      let wakes = 0;
      await store.watch({ jobId: "a" }, () => {
        wakes += 1;
      });
      await store.create(draft("a"));
      await until("the watch is woken", () => wakes > 0);
    });

    test("given two prefixes, keeps their jobs separate", async () => {
      const client = createClient({ url: server.url });
      await client.connect();
      onTestFinished(() => client.destroy());
      const [one, two] = [
        redisStore({ client, prefix: "p" }),
        redisStore({ client, prefix: "p:q" }),
      ];
      await one.create(draft("a"));
      expect(await two.read("a")).toBeUndefined();
      await two.create(draft("a"));
      expect((await one.read("a"))?.cursor).not.toBe((await two.read("a"))?.cursor);
    });

    test.each<[string, Partial<RedisStoreOptions>]>([
      ["client", { client: {} as NodeRedisClient }],
      ["client", { client: undefined as unknown as NodeRedisClient }],
      ["prefix", { prefix: "" }],
      ["prefix", { prefix: "{all}" }],
      ["tombstoneTtlMs", { tombstoneTtlMs: 0 }],
      ["maxLogLines", { maxLogLines: 0 }],
      ["ttlMs", { ttlMs: -1 }],
    ])("given an invalid %s, throws invalid-option", (name, bad) => {
      const client: NodeRedisClient = {
        evalSha: async () => {},
        eval: async () => {},
        duplicate: () => {
          throw new Error("unused");
        },
      };
      try {
        redisStore({ client, ...bad });
        expect.unreachable();
      } catch (error) {
        expect(isProgressError(error, "invalid-option")).toBe(true);
        expect(String(error)).toContain(name);
      }
    });
  },
);
