import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ask, REDIS_MISSING, type RedisServer, startRedis } from "../servers/redis.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import {
  change,
  codeOf,
  cutSubscribers,
  draft,
  storeOn,
  subscribersOf,
  until,
} from "./redis-kit.js";

for (const { name, open } of SINGLE_CLIENTS) {
  describe.skipIf(REDIS_MISSING !== undefined)(`redisStore on ${name}, listening`, () => {
    let server: RedisServer;
    let opened: OpenedClient;
    beforeAll(async () => {
      server = await startRedis();
      opened = await open(server);
    });
    afterAll(async () => {
      opened.close();
      await server.stop();
    });

    test("given a thousand watches, uses one connection, made at the first and gone with the store", async () => {
      const { store } = storeOn(opened);
      await store.create(draft("a"));
      expect(await subscribersOf(server)).toHaveLength(0);
      await Promise.all(
        Array.from({ length: 1000 }, (_, by) => store.watch(`job-${by % 500}`, () => {})),
      );
      const subscribers = await subscribersOf(server);
      expect(subscribers).toHaveLength(1);
      expect(subscribers[0]).toContain(" sub=500 ");
      await store.close();
      await until(
        "The connection is closed",
        async () => (await subscribersOf(server)).length === 0,
      );
    });

    test("given two watches of one job, leaves its channel after the last, and comes back to it", async () => {
      const { store, prefix } = storeOn(opened);
      const listening = async (): Promise<number> =>
        ((await ask(server, "PUBSUB", "CHANNELS", `${prefix}:*`)) as string[]).length;
      const first = await store.watch("a", () => {});
      const second = await store.watch("a", () => {});
      await store.watch("b", () => {});
      expect(await listening()).toBe(2);
      await first();
      await first();
      await store.create(draft("a"));
      expect(await listening()).toBe(2);
      await second();
      await until("The channel is left", async () => (await listening()) === 1);
      let wakes = 0;
      // At once after the end of another: the two commands must not overtake each other.
      const third = await store.watch("a", () => {});
      await third();
      await store.watch("a", () => {
        wakes += 1;
      });
      await store.write("a", change({ message: "one" }));
      await until("The new watch is woken", () => wakes > 0);
      expect(await listening()).toBe(2);
    });

    test("given a connection that is cut, wakes every watch when it is back, and each change after it", async () => {
      const { store, errors } = storeOn(opened);
      for (const id of ["a", "b", "c"]) await store.create(draft(id));
      const wakes = new Map<string, (number | undefined)[]>();
      for (const id of ["a", "b", "c"])
        await store.watch(id, (version) => wakes.set(id, [...(wakes.get(id) ?? []), version]));
      expect(await cutSubscribers(server)).toBe(1);
      await until("Every watch is woken", () => wakes.size === 3);
      expect([...wakes.values()].flat().filter((version) => version !== undefined)).toEqual([]);
      wakes.clear();
      await store.write("b", change({ message: "one" }));
      await until("The change wakes", () => wakes.get("b")?.includes(2) === true);
      expect(errors.every(({ code }) => code === "store-unavailable")).toBe(true);
    });

    test("given a change between the cut and the return, it can be read at the wake", async () => {
      const { store } = storeOn(opened);
      await store.create(draft("a"));
      const seen: Promise<unknown>[] = [];
      await store.watch("a", () => seen.push(store.read("a").then((delta) => delta?.set.message)));
      await cutSubscribers(server);
      await store.write("a", change({ message: "meanwhile" }));
      await until("A wake came", () => seen.length > 0);
      expect(await seen.at(-1)).toBe("meanwhile");
    });

    test("given a job that another process removes, wakes its watches, without a version", async () => {
      const { store, prefix } = storeOn(opened);
      await store.create(draft("a"));
      const wakes: unknown[] = [];
      await store.watch("a", (version) => wakes.push(version));
      expect(await storeOn(opened, { prefix }).store.remove("a")).toBe(true);
      await until("The watch is woken", () => wakes.length > 0);
      expect(wakes).toEqual([undefined]);
      expect(await codeOf(store.read("a"))).toBe("job-expired");
    });

    test("given a server that is away, rejects or waits, tells it once, and wakes when it is back", async () => {
      const own = await startRedis();
      onTestFinished(() => own.stop());
      const client = await open(own);
      onTestFinished(() => client.close());
      const { store, errors } = storeOn(client);
      await store.create(draft("a"));
      let wakes = 0;
      await store.watch("a", () => {
        wakes += 1;
      });
      await own.stop("SIGKILL");
      await until("The loss is told", () => errors.length > 0);
      // Begun while it is away: refused as soon as that is noticed, else in force once it is back.
      let late = 0;
      const begin = (): Promise<string> =>
        codeOf(
          store.watch("b", () => {
            late += 1;
          }),
        );
      const watch = begin();
      await own.start();
      await until("The watch is woken", () => wakes > 0);
      const outcome = await watch;
      expect(["none", "store-unavailable"]).toContain(outcome);
      if (outcome !== "none") expect(await begin()).toBe("none");
      expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
      // It kept nothing: what readers had is unknown, and never stands still as if it were running.
      expect(await store.read("a")).toBeUndefined();
      expect(await codeOf(store.write("a", change({ percent: 1 })))).toBe("job-not-found");
      await store.create(draft("b"));
      await until("The late watch is woken", () => late > 0);
    });

    test("given a subscriber, listens on it, and leaves it open and silent", async () => {
      const subscriber = await opened.subscriber();
      const { store, prefix } = storeOn(opened, { subscriber });
      await store.create(draft("a"));
      let wakes = 0;
      await store.watch("a", () => {
        wakes += 1;
      });
      await store.write("a", change({ message: "one" }));
      await until("It hears", () => wakes > 0);
      await cutSubscribers(server);
      const before = wakes;
      await until("It is woken when the connection is back", () => wakes > before);
      await store.close();
      await until(
        "The channels are left",
        async () => ((await ask(server, "PUBSUB", "CHANNELS", `${prefix}:*`)) as []).length === 0,
      );
      const other = storeOn(opened, { subscriber, prefix });
      const seen: unknown[] = [];
      await other.store.watch("a", (version) => seen.push(version));
      await other.store.write("a", change({ message: "two" }));
      await until("Another store hears on it", () => seen.length > 0);
      expect(seen).toEqual([3]);
    });

    test("given a close while a watch is on its way, the watch is refused as closed", async () => {
      const { store } = storeOn(opened);
      const watch = codeOf(store.watch("a", () => {}));
      await store.close();
      expect(["closed", "none"]).toContain(await watch);
      expect(await codeOf(store.watch("a", () => {}))).toBe("closed");
      await until("No connection is left", async () => (await subscribersOf(server)).length === 0);
    });

    test("given a close while the server is away, the watch that waits is refused, and nothing is left", async () => {
      const own = await startRedis();
      const client = await open(own);
      onTestFinished(() => client.close());
      const { store } = storeOn(client);
      await store.watch("a", () => {});
      await own.stop();
      const watch = codeOf(store.watch("b", () => {}));
      await store.close();
      expect(await watch).toBe("closed");
      await own.start();
      onTestFinished(() => own.stop());
      expect(await subscribersOf(own)).toHaveLength(0);
    });
  });
}
