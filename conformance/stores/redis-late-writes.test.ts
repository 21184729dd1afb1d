import { isProgressError } from "@emlinh/progress-protocol";
import type { ProgressStore } from "@emlinh/progress-server";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type HoldingProxy, startHoldingProxy } from "../servers/holding-proxy.js";
import {
  REDIS_MISSING,
  type RedisServer,
  startRedis,
  startRedisCluster,
} from "../servers/redis.js";
import { codeOf } from "./await-helpers.js";
import { cutOffCall, lateWriteTests } from "./late-writes.js";
import { type OpenedClient, PROXIED_CLUSTER_CLIENTS, SINGLE_CLIENTS } from "./redis-clients.js";
import { change, draft, storeOn } from "./redis-kit.js";

interface Setup {
  readonly name: string;
  start(): Promise<RedisServer>;
  /** Opens a client that reaches the server by this port, which may be that of a proxy. */
  open(server: RedisServer, port: number): Promise<OpenedClient>;
}

const SETUPS: readonly Setup[] = [
  ...SINGLE_CLIENTS.map(({ name, open }) => ({
    name,
    start: startRedis,
    open: (server: RedisServer, port: number) =>
      open({ ...server, port, url: `redis://127.0.0.1:${port}` }),
  })),
  ...PROXIED_CLUSTER_CLIENTS.map(({ name, open }) => ({
    name,
    async start() {
      const { nodes } = await startRedisCluster(1);
      return nodes[0] ?? expect.fail("The cluster has no node.");
    },
    open: (server: RedisServer, port: number) => open([server], [{ port }]),
  })),
];

describe.skipIf(REDIS_MISSING !== undefined)("redisStore, calls that arrive late", () => {
  describe.each(SETUPS)("on $name", ({ name, start, open }) => {
    let server: RedisServer;
    let proxy: HoldingProxy;
    let store: ProgressStore;
    let direct: ProgressStore;

    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());
    beforeEach(async () => {
      proxy = await startHoldingProxy(server.port);
      onTestFinished(() => proxy.close());
      const [opened, openedDirect] = await Promise.all([
        open(server, proxy.port),
        open(server, server.port),
      ]);
      onTestFinished(() => [opened, openedDirect].forEach((each) => void each.close()));
      const stores = storeOn(opened);
      store = stores.store;
      direct = storeOn(openedDirect, { prefix: stores.prefix }).store;
      // From then on the server knows the script that creates jobs.
      await store.create(draft("another"));
    });

    async function cutOff<Result>(
      call: () => Promise<Result>,
      meanwhile?: () => Promise<unknown>,
    ): Promise<Result> {
      await store.read("a");
      return cutOffCall({ proxy, held: /evalsha/i }, () => retried(call), meanwhile);
    }

    lateWriteTests(() => ({ store, direct, cutOff, deliver: () => proxy.deliver() }));

    test("given a write that arrives twice, publishes it once", async () => {
      const { cursor: seen } = await store.create(draft("a"));
      const hold = { token: "worker", count: 1, opens: { seen, takeOver: false } };
      const wakes: unknown[] = [];
      await direct.watch({ jobId: "a" }, (version) => wakes.push(version));
      await cutOff(() => store.write("a", change({ message: "one" }, { hold })));
      await proxy.deliver();
      const last = change({ message: "two" }, { hold: { token: "worker", count: 2 } });
      await store.write("a", last);
      await expect.poll(() => wakes).toContain(3);
      expect(wakes.filter((version) => version !== undefined)).toEqual([2, 3]);
    });

    // node-redis does not send a call again whose connection was lost.
    describe.runIf(name.includes("ioredis"))("a creation that the client sends again", () => {
      test("given a creation whose answer is lost, says that the job was created", async () => {
        const created = await cutOff(
          () => store.create(draft("a")),
          () => proxy.deliver(),
        );
        expect(created).toMatchObject({ jobId: "a", created: true });
        expect(await codeOf(store.create(draft("a")))).toBe("invalid-change");
      });

      test("given a creation that arrives again after the job was removed, does not bring it back", async () => {
        await cutOff(() => store.create(draft("a")));
        expect(await store.remove("a")).toBe(true);
        await proxy.deliver();
        expect(await codeOf(store.read("a"))).toBe("job-expired");
        expect(await store.create(draft("a"))).toMatchObject({ created: true });
        expect(await store.read("a")).toMatchObject({ set: draft("a").set });
      });

      test("given an entry of a list that arrives twice, the job keeps its place", async () => {
        const listed = { subjects: ["user:42"] };
        await cutOff(() => store.create(draft("a", listed)));
        await direct.create(draft("b", listed));
        await proxy.deliver();
        expect((await direct.list("user:42", { limit: 10 })).jobs).toEqual(["b", "a"]);
      });

      test("given an entry of a list that arrives again after the job was removed, does not list it", async () => {
        const listed = { subjects: ["user:42"] };
        await cutOff(() => store.create(draft("a", listed)));
        expect(await store.remove("a")).toBe(true);
        await proxy.deliver();
        expect((await direct.list("user:42", { limit: 10 })).jobs).toEqual([]);
      });
    });
  });
});

/** Makes a call until the store can be reached, as a worker does. */
async function retried<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isProgressError(error, "store-unavailable")) throw error;
    }
  }
}
