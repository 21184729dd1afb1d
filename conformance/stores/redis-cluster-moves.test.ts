import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  REDIS_MISSING,
  type RedisCluster,
  type RedisServer,
  runCommand,
  startRedisCluster,
} from "../servers/redis.js";
import { until } from "./await-helpers.js";
import { CLUSTER_CLIENTS, type OpenedClient } from "./redis-clients.js";
import { change, countCalls, draft, storeOn } from "./redis-kit.js";

const LINE = { at: 1, level: "info", text: "a line" } as const;

for (const { name, open } of CLUSTER_CLIENTS) {
  describe.skipIf(REDIS_MISSING !== undefined)(`redisStore on ${name}: a slot moves`, () => {
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

    test("given a slot that is being moved, a write waits for it, is stored once, and wakes its watch", async () => {
      const { store, prefix } = storeOn(opened);
      await store.create(draft("a"));
      await store.write("a", change({}, { log: [LINE] }));
      const messages: unknown[] = [];
      await store.watch({ jobId: "a" }, () => {
        store.read("a").then(
          (delta) => messages.push(delta?.set.message),
          () => {},
        );
      });
      const move = await beginMove(cluster, `${prefix}:*:job:a`);
      const calls = countCalls(opened.client);
      const written = store.write("a", change({ message: "meanwhile" }, { log: [LINE] }));
      written.catch(() => {});
      await until("it was refused", async () => calls() > 1 || (await move.refusals()) > 1);
      await move.end();
      await written;
      expect(await store.read("a")).toMatchObject({
        set: { message: "meanwhile" },
        log: [{ n: 1 }, { n: 2 }],
      });
      await until("the watch reads the change", () => messages.includes("meanwhile"));
      await store.write("a", change({ message: "after" }));
      await until("the watch reads the later change", () => messages.includes("after"));
    });

    test.each([
      ["the list of a subject", "list"],
      ["a listed job", "job:a"],
    ])(
      "given %s that is being moved, creations and pages are right afterwards",
      async (_, kind) => {
        const { store, prefix } = storeOn(opened);
        const listed = { subjects: ["user:42"] };
        await store.create(draft("a", listed));
        await store.write("a", change({}, { log: [LINE] }));
        const pages: string[] = [];
        const look = (): void => {
          store.list("user:42", { limit: 10 }).then(
            ({ jobs }) => pages.push(jobs.join()),
            () => {},
          );
        };
        await store.watch({ subject: "user:42" }, look);
        const move = await beginMove(cluster, `${prefix}:*:${kind}*`);
        const created = store.create(draft("b", listed));
        created.catch(() => {});
        const page = store.list("user:42", { limit: 10 });
        page.catch(() => {});
        await move.end();
        await created;
        expect((await page).jobs).toContain("a");
        expect((await store.list("user:42", { limit: 10 })).jobs).toEqual(["b", "a"]);
        await until("the watch reads the creation", () => pages.includes("b,a"));
        await store.remove("a");
        await until("the watch reads the removal", () => pages.includes("b"));
      },
    );
  });
}

interface SlotMove {
  /** How often a call was refused because of it. */
  refusals(): Promise<number>;
  end(): Promise<void>;
}

/** Begins to move the slot of a key to another node, with this key. */
async function beginMove({ nodes }: RedisCluster, pattern: string): Promise<SlotMove> {
  const [source, keys] = await nodeWith(nodes, pattern);
  const target = nodes.find((node) => node !== source) as RedisServer;
  const slot = String(await runCommand(source, "CLUSTER", "KEYSLOT", keys[0] ?? ""));
  const [sourceId, targetId] = await Promise.all(
    [source, target].map(async (node) => String(await runCommand(node, "CLUSTER", "MYID"))),
  );
  const moveKeys = async (keysToMove: readonly string[]): Promise<void> => {
    const where = ["127.0.0.1", `${target.port}`, "", "0", "5000"];
    await runCommand(source, "MIGRATE", ...where, "KEYS", ...keysToMove);
  };
  await runCommand(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", sourceId ?? "");
  await runCommand(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", targetId ?? "");
  await moveKeys(keys);
  return {
    async refusals() {
      const stats = String(await runCommand(source, "INFO", "errorstats"));
      return Number(/errorstat_TRYAGAIN:count=(\d+)/.exec(stats)?.[1] ?? 0);
    },
    async end() {
      await moveKeys(
        (await runCommand(source, "CLUSTER", "GETKEYSINSLOT", slot, "100")) as string[],
      );
      for (const node of [target, source, ...nodes])
        await runCommand(node, "CLUSTER", "SETSLOT", slot, "NODE", targetId ?? "");
    },
  };
}

async function nodeWith(
  nodes: readonly RedisServer[],
  pattern: string,
): Promise<readonly [RedisServer, readonly string[]]> {
  for (const node of nodes) {
    const keys = (await runCommand(node, "KEYS", pattern)) as string[];
    if (keys.length > 0) return [node, keys];
  }
  throw new Error(`No node has a key like ${pattern}.`);
}
