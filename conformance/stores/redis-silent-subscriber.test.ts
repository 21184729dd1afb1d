import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { type MuteProxy, startMuteProxy } from "../servers/mute-proxy.js";
import {
  REDIS_MISSING,
  type RedisCluster,
  type RedisServer,
  runCommand,
  startRedis,
  startRedisCluster,
} from "../servers/redis.js";
import { until } from "./await-helpers.js";
import { PROXIED_CLUSTER_CLIENTS, SINGLE_CLIENTS } from "./redis-clients.js";
import { change, draft, storeOn } from "./redis-kit.js";

const PROBE_MS = 900;
const IDS = Array.from({ length: 30 }, (_, by) => `job-${by}`);

async function proxyOf(
  { port }: Pick<RedisServer, "port">,
  { onTestFinished }: TestContext,
): Promise<MuteProxy> {
  const proxy = await startMuteProxy(port);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** Watches the jobs. Returns the newest version that each watch was woken with. */
async function watchAll(
  store: ReturnType<typeof storeOn>["store"],
  ids: readonly string[],
): Promise<{ readonly versions: ReadonlyMap<string, number>; readonly woken: Set<string> }> {
  const versions = new Map<string, number>();
  const woken = new Set<string>();
  for (const id of ids) {
    await store.create(draft(id));
    await store.watch({ jobId: id }, (version) => {
      if (version === undefined) woken.add(id);
      else versions.set(id, version);
    });
  }
  woken.clear();
  return { versions, woken };
}

describe.skipIf(REDIS_MISSING !== undefined)(
  "redisStore: a subscriber connection goes mute",
  () => {
    describe.each(SINGLE_CLIENTS)("on $name", ({ open }) => {
      let server: RedisServer;
      beforeAll(async () => {
        server = await startRedis();
      });
      afterAll(() => server.stop());

      test.concurrent.for(["made by the store", "passed in"])(
        "given a connection %s that gives no answer, replaces it, reports it once and wakes the watches",
        async (origin, context) => {
          const proxy = await proxyOf(server, context);
          const opened = await open({ ...server, port: proxy.port, url: proxy.url });
          context.onTestFinished(() => opened.close());
          const subscriber = origin === "passed in" ? await opened.subscriber() : undefined;
          const { store, errors } = storeOn(
            opened,
            { probeMs: PROBE_MS, subscriber },
            context.onTestFinished,
          );
          const { versions, woken } = await watchAll(store, ["a", "b"]);
          expect(proxy.muteSubscribers()).toBe(1);
          await store.write("a", change({ message: "meanwhile" }));
          await until("every watch is woken", () => woken.size === 2);
          expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
          expect(String(errors[0]?.cause)).toContain("no answer within 300 ms");
          await store.write("a", change({ message: "after" }));
          await until("the change wakes the watch", () => versions.get("a") === 3);
          expect(proxy.subscribers()).toBe(1);
          await until("it is mute again", () => proxy.muteSubscribers() === 1);
          await until("it is reported again", () => errors.length === 2);
        },
      );

      test("given a connection that answers, keeps it and reports nothing", async (context) => {
        const proxy = await proxyOf(server, context);
        const opened = await open({ ...server, port: proxy.port, url: proxy.url });
        context.onTestFinished(() => opened.close());
        const { store, errors } = storeOn(opened, { probeMs: 300 });
        const { woken } = await watchAll(store, ["a"]);
        const probes = async (): Promise<number> => {
          const stats = String(await runCommand(server, "INFO", "commandstats"));
          return Number(/cmdstat_subscribe:calls=(\d+)/.exec(stats)?.[1]);
        };
        const before = await probes();
        await until("it was checked often", async () => (await probes()) > before + 3);
        expect([errors, [...woken], proxy.subscribers()]).toEqual([[], [], 1]);
      });
    });

    describe.each(PROXIED_CLUSTER_CLIENTS)("on $name", ({ open }) => {
      let cluster: RedisCluster;
      beforeAll(async () => {
        cluster = await startRedisCluster();
      });
      afterAll(() => cluster.stop());

      test.concurrent.for([true, false])(
        "given sharded: %s and a connection that gives no answer, replaces it, reports it once and wakes the watches",
        async (sharded, context) => {
          const proxies = await Promise.all(cluster.nodes.map((node) => proxyOf(node, context)));
          const opened = await open(cluster.nodes, proxies);
          context.onTestFinished(() => opened.close());
          const { store, errors } = storeOn(
            opened,
            { probeMs: PROBE_MS, sharded },
            context.onTestFinished,
          );
          const messages = new Map<string, unknown>();
          for (const id of IDS) {
            await store.create(draft(id));
            await store.watch({ jobId: id }, () => {
              store.read(id).then(
                (delta) => messages.set(id, delta?.set.message),
                () => {},
              );
            });
          }
          // Every node that has subscribers, so that none of them delivers the changes.
          for (const proxy of proxies) proxy.muteSubscribers();
          await Promise.all(IDS.map((id) => store.write(id, change({ message: "meanwhile" }))));
          await until("each change was read", () =>
            IDS.every((id) => messages.get(id) === "meanwhile"),
          );
          await Promise.all(IDS.map((id) => store.write(id, change({ message: "after" }))));
          await until("each later change was read", () =>
            IDS.every((id) => messages.get(id) === "after"),
          );
          expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
        },
      );
    });
  },
);
