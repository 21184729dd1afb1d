import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, REDIS_MISSING, type RedisCluster, startRedisCluster } from "../servers/redis.js";
import { CLUSTER_CLIENTS, type OpenedClient } from "./redis-clients.js";
import { change, cutSubscribers, draft, storeOn, subscribersOf, until } from "./redis-kit.js";

/** Enough to be on every node. */
const IDS = Array.from({ length: 60 }, (_, by) => `job-${by}`);

for (const { name, open } of CLUSTER_CLIENTS) {
  describe.skipIf(REDIS_MISSING !== undefined)(`redisStore on ${name}, listening`, () => {
    let cluster: RedisCluster;
    let opened: OpenedClient;
    beforeAll(async () => {
      cluster = await startRedisCluster();
      opened = await open(cluster);
    });
    afterAll(async () => {
      opened.close();
      await cluster.stop();
    });

    async function each(...command: string[]): Promise<unknown[]> {
      return Promise.all(cluster.nodes.map((node) => ask(node, ...command)));
    }

    async function watchAll(
      store: ReturnType<typeof storeOn>["store"],
    ): Promise<{ wakes: ReadonlyMap<string, number>; forget(): void }> {
      const wakes = new Map<string, number>();
      for (const id of IDS) await store.watch(id, () => wakes.set(id, (wakes.get(id) ?? 0) + 1));
      return { wakes, forget: () => wakes.clear() };
    }

    test("given jobs on every node, hears of each by sharded channels, on one connection to each node", async () => {
      const { store, prefix } = storeOn(opened);
      const before = await Promise.all(cluster.nodes.map(subscribersOf));
      expect(before.flat()).toEqual([]);
      const { wakes } = await watchAll(store);
      const channels = (await each("PUBSUB", "SHARDCHANNELS", `${prefix}:*`)) as string[][];
      expect(channels.map(({ length }) => length > 5)).toEqual([true, true, true]);
      expect(channels.flat()).toHaveLength(IDS.length);
      for (const node of cluster.nodes) expect(await subscribersOf(node)).toHaveLength(1);
      await Promise.all(IDS.map((id) => store.create(draft(id))));
      await until("Each is woken", () => wakes.size === IDS.length);
      await store.close();
      for (const node of cluster.nodes)
        await until(
          "The connection is closed",
          async () => (await subscribersOf(node)).length === 0,
        );
    });

    test("given the last watch's end, leaves its channel", async () => {
      const { store, prefix } = storeOn(opened);
      const unwatch = await store.watch("a", () => {});
      await store.watch("b", () => {});
      await unwatch();
      await until("One channel is left", async () => {
        const channels = (await each("PUBSUB", "SHARDCHANNELS", `${prefix}:*`)) as string[][];
        return channels.flat().length === 1;
      });
    });

    test("given connections that are cut, wakes every watch when they are back, and each change after it", async () => {
      const { store } = storeOn(opened);
      await Promise.all(IDS.map((id) => store.create(draft(id))));
      const { wakes, forget } = await watchAll(store);
      for (const node of cluster.nodes) await cutSubscribers(node);
      await until("Each is woken", () => wakes.size === IDS.length);
      // The client doesn't say when each channel is in force again, so the last wake comes a second later: what changes until then can be read at that.
      await until("Each node has its subscriber", async () => {
        const found = await Promise.all(cluster.nodes.map(subscribersOf));
        return found.every(({ length }) => length === 1);
      });
      const reads = new Map<string, unknown>();
      for (const id of IDS)
        await store.watch(id, () => {
          store.read(id).then(
            (delta) => reads.set(id, delta?.set.message),
            () => {},
          );
        });
      forget();
      await Promise.all(IDS.map((id) => store.write(id, change({ message: "after" }))));
      await until("Each change was read", () => IDS.every((id) => reads.get(id) === "after"));
    });

    test("given a node that restarts without its data, its jobs are unknown, and those created anew are heard of", async () => {
      const { store } = storeOn(opened);
      await Promise.all(IDS.map((id) => store.create(draft(id))));
      const { wakes, forget } = await watchAll(store);
      const [node] = cluster.nodes;
      if (node === undefined) throw new Error("There is no node.");
      await node.stop();
      await node.start();
      await until("Each is woken", () => wakes.size === IDS.length);
      let lost: readonly string[] = [];
      await until("All can be read again", async () => {
        const all = await Promise.allSettled(IDS.map((id) => store.read(id)));
        lost = IDS.filter((_, by) => {
          const outcome = all[by];
          return outcome?.status === "fulfilled" && outcome.value === undefined;
        });
        return all.every(({ status }) => status === "fulfilled");
      });
      expect(lost.length).toBeGreaterThan(0);
      expect(lost.length).toBeLessThan(IDS.length);
      forget();
      await Promise.all(lost.map((id) => store.create(draft(id))));
      await until("Each is heard of", () => lost.every((id) => wakes.has(id)));
    });

    test("given sharded: false, hears by plain channels", async () => {
      const { store, prefix } = storeOn(opened, { sharded: false });
      const { wakes } = await watchAll(store);
      const sharded = (await each("PUBSUB", "SHARDCHANNELS", `${prefix}:*`)) as string[][];
      expect(sharded.flat()).toEqual([]);
      await Promise.all(IDS.map((id) => store.create(draft(id))));
      await until("Each is woken", () => wakes.size === IDS.length);
    });

    test("given sweeps of a whole cluster, does what is due on every node, once", async () => {
      const { store } = storeOn(opened);
      await Promise.all(IDS.map((id) => store.create(draft(id, { key: `key of ${id}` }))));
      const later = Date.now() + 90_000_000;
      const reports = await Promise.all([1, 2, 3].map(() => store.sweep(later, 1000)));
      expect(reports.reduce((sum, { expired }) => sum + expired, 0)).toBe(IDS.length);
      const again = await store.create(draft("another", { key: "key of job-0" }));
      expect(again).toMatchObject({ jobId: "another", created: true });
    });
  });
}
