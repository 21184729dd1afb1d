import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  REDIS_MISSING,
  type RedisCluster,
  runCommand,
  startRedisCluster,
} from "../servers/redis.js";
import { until } from "./await-helpers.js";
import { CLUSTER_CLIENTS, type OpenedClient } from "./redis-clients.js";
import { change, cutSubscribers, draft, storeOn, subscribersOf } from "./redis-kit.js";

/** Enough jobs for every node to have some. */
const IDS = Array.from({ length: 60 }, (_, by) => `job-${by}`);

for (const { name, open } of CLUSTER_CLIENTS) {
  describe.skipIf(REDIS_MISSING !== undefined)(`redisStore on ${name}: watches`, () => {
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

    async function onEachNode(...command: string[]): Promise<unknown[]> {
      return Promise.all(cluster.nodes.map((node) => runCommand(node, ...command)));
    }

    async function watchAll(
      store: ReturnType<typeof storeOn>["store"],
    ): Promise<{ wakes: ReadonlyMap<string, number>; forget(): void }> {
      const wakes = new Map<string, number>();
      for (const id of IDS)
        await store.watch({ jobId: id }, () => wakes.set(id, (wakes.get(id) ?? 0) + 1));
      return { wakes, forget: () => wakes.clear() };
    }

    test("given jobs on every node, receives changes on sharded channels over one connection per node", async () => {
      const { store, prefix } = storeOn(opened);
      const before = await Promise.all(cluster.nodes.map(subscribersOf));
      expect(before.flat()).toEqual([]);
      const { wakes } = await watchAll(store);
      const channels = (await onEachNode("PUBSUB", "SHARDCHANNELS", `${prefix}:*`)) as string[][];
      expect(channels.map(({ length }) => length > 5)).toEqual([true, true, true]);
      expect(channels.flat()).toHaveLength(IDS.length);
      for (const node of cluster.nodes) expect(await subscribersOf(node)).toHaveLength(1);
      await Promise.all(IDS.map((id) => store.create(draft(id))));
      await until("each watch is woken", () => wakes.size === IDS.length);
      await store.close();
      for (const node of cluster.nodes)
        await until(
          "the connection is closed",
          async () => (await subscribersOf(node)).length === 0,
        );
    });

    test("given the end of the last watch of a job, unsubscribes from its channel", async () => {
      const { store, prefix } = storeOn(opened);
      const unwatch = await store.watch({ jobId: "a" }, () => {});
      await store.watch({ jobId: "b" }, () => {});
      await unwatch();
      await until("one channel remains", async () => {
        const channels = (await onEachNode("PUBSUB", "SHARDCHANNELS", `${prefix}:*`)) as string[][];
        return channels.flat().length === 1;
      });
    });

    test("given connections that are closed, wakes every watch after the reconnect and at later changes", async () => {
      const { store } = storeOn(opened);
      await Promise.all(IDS.map((id) => store.create(draft(id))));
      const { wakes, forget } = await watchAll(store);
      for (const node of cluster.nodes) await cutSubscribers(node);
      await until("each watch is woken", () => wakes.size === IDS.length);
      // The client does not report when each channel is subscribed again, so the last wake comes a second later. A
      // change before it can be read then.
      await until("each node has a subscriber", async () => {
        const found = await Promise.all(cluster.nodes.map(subscribersOf));
        return found.every(({ length }) => length === 1);
      });
      const reads = new Map<string, unknown>();
      for (const id of IDS)
        await store.watch({ jobId: id }, () => {
          store.read(id).then(
            (delta) => reads.set(id, delta?.set.message),
            () => {},
          );
        });
      forget();
      await Promise.all(IDS.map((id) => store.write(id, change({ message: "after" }))));
      await until("each change was read", () => IDS.every((id) => reads.get(id) === "after"));
    });

    test("given a node that loses its data in a restart, its jobs are unknown, and new ones wake watches", async () => {
      const { store } = storeOn(opened);
      await Promise.all(IDS.map((id) => store.create(draft(id))));
      const { wakes, forget } = await watchAll(store);
      const [node] = cluster.nodes;
      if (node === undefined) throw new Error("There is no node.");
      await node.stop();
      await node.start();
      await until("each watch is woken", () => wakes.size === IDS.length);
      let lost: readonly string[] = [];
      await until("all jobs can be read again", async () => {
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
      await until("each new job wakes its watch", () => lost.every((id) => wakes.has(id)));
    });

    test("given sharded: false, uses plain channels", async () => {
      const { store, prefix } = storeOn(opened, { sharded: false });
      const { wakes } = await watchAll(store);
      const sharded = (await onEachNode("PUBSUB", "SHARDCHANNELS", `${prefix}:*`)) as string[][];
      expect(sharded.flat()).toEqual([]);
      await Promise.all(IDS.map((id) => store.create(draft(id))));
      await until("each watch is woken", () => wakes.size === IDS.length);
    });

    test("given concurrent sweeps of a cluster, removes what has expired on every node, once each", async () => {
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
