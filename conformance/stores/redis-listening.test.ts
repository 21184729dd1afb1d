import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { REDIS_MISSING, type RedisServer, runCommand, startRedis } from "../servers/redis.js";
import { codeOf, until } from "./await-helpers.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { change, cutSubscribers, draft, storeOn, subscribersOf } from "./redis-kit.js";

for (const { name, open } of SINGLE_CLIENTS) {
  describe.skipIf(REDIS_MISSING !== undefined)(`redisStore on ${name}: watches`, () => {
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

    test("given a thousand watches, uses one connection from the first watch to the close", async () => {
      const { store } = storeOn(opened);
      await store.create(draft("a"));
      expect(await subscribersOf(server)).toHaveLength(0);
      await Promise.all(
        Array.from({ length: 1000 }, (_, by) =>
          store.watch({ jobId: `job-${by % 500}` }, () => {}),
        ),
      );
      const subscribers = await subscribersOf(server);
      expect(subscribers).toHaveLength(1);
      expect(subscribers[0]).toContain(" sub=500 ");
      await store.close();
      await until(
        "the connection is closed",
        async () => (await subscribersOf(server)).length === 0,
      );
    });

    test("given two watches of one job, unsubscribes after the last one, and can subscribe again", async () => {
      const { store, prefix } = storeOn(opened);
      const listening = async (): Promise<number> =>
        ((await runCommand(server, "PUBSUB", "CHANNELS", `${prefix}:*`)) as string[]).length;
      const first = await store.watch({ jobId: "a" }, () => {});
      const second = await store.watch({ jobId: "a" }, () => {});
      await store.watch({ jobId: "b" }, () => {});
      expect(await listening()).toBe(2);
      await first();
      await first();
      await store.create(draft("a"));
      expect(await listening()).toBe(2);
      await second();
      await until("the channel is unsubscribed", async () => (await listening()) === 1);
      let wakes = 0;
      // Directly after another watch ended: the two commands must not overtake each other.
      const third = await store.watch({ jobId: "a" }, () => {});
      await third();
      await store.watch({ jobId: "a" }, () => {
        wakes += 1;
      });
      await store.write("a", change({ message: "one" }));
      await until("the new watch is woken", () => wakes > 0);
      expect(await listening()).toBe(2);
    });

    test("given a connection that is closed, wakes every watch after the reconnect and at later changes", async () => {
      const { store, errors } = storeOn(opened);
      for (const id of ["a", "b", "c"]) await store.create(draft(id));
      const wakes = new Map<string, (number | undefined)[]>();
      for (const id of ["a", "b", "c"])
        await store.watch({ jobId: id }, (version) =>
          wakes.set(id, [...(wakes.get(id) ?? []), version]),
        );
      expect(await cutSubscribers(server)).toBe(1);
      await until("every watch is woken", () => wakes.size === 3);
      expect([...wakes.values()].flat().filter((version) => version !== undefined)).toEqual([]);
      wakes.clear();
      await store.write("b", change({ message: "one" }));
      await until("the change wakes the watch", () => wakes.get("b")?.includes(2) === true);
      expect(errors.every(({ code }) => code === "store-unavailable")).toBe(true);
    });

    test("given a change while the connection is down, it can be read at the wake after the reconnect", async () => {
      const { store } = storeOn(opened);
      await store.create(draft("a"));
      const seen: Promise<unknown>[] = [];
      await store.watch({ jobId: "a" }, () =>
        seen.push(store.read("a").then((delta) => delta?.set.message)),
      );
      await cutSubscribers(server);
      await store.write("a", change({ message: "meanwhile" }));
      await until("the watch is woken", () => seen.length > 0);
      expect(await seen.at(-1)).toBe("meanwhile");
    });

    test("given a job that another process removes, wakes its watches, without a version", async () => {
      const { store, prefix } = storeOn(opened);
      await store.create(draft("a"));
      const wakes: unknown[] = [];
      await store.watch({ jobId: "a" }, (version) => wakes.push(version));
      expect(await storeOn(opened, { prefix }).store.remove("a")).toBe(true);
      await until("the watch is woken", () => wakes.length > 0);
      expect(wakes).toEqual([undefined]);
      expect(await codeOf(store.read("a"))).toBe("job-expired");
    });

    test("given a server that is down, reports the outage once, and wakes the watches after it", async () => {
      const own = await startRedis();
      onTestFinished(() => own.stop());
      const client = await open(own);
      onTestFinished(() => client.close());
      const { store, errors } = storeOn(client);
      await store.create(draft("a"));
      let wakes = 0;
      await store.watch({ jobId: "a" }, () => {
        wakes += 1;
      });
      await own.stop("SIGKILL");
      await until("the outage is reported", () => errors.length > 0);
      // Started during the outage: rejected as soon as the outage is noticed, else in force after it.
      let late = 0;
      const startLateWatch = (): Promise<string> =>
        codeOf(
          store.watch({ jobId: "b" }, () => {
            late += 1;
          }),
        );
      const watch = startLateWatch();
      await own.start();
      await until("the watch is woken", () => wakes > 0);
      const outcome = await watch;
      expect(["none", "store-unavailable"]).toContain(outcome);
      if (outcome !== "none") expect(await startLateWatch()).toBe("none");
      expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
      // The server lost its data. The jobs are unknown, and do not look as if they were running.
      expect(await store.read("a")).toBeUndefined();
      expect(await codeOf(store.write("a", change({ percent: 1 })))).toBe("job-not-found");
      await store.create(draft("b"));
      await until("the late watch is woken", () => late > 0);
    });

    test("given a subscriber, subscribes on it, and leaves it open without subscriptions on close", async () => {
      const subscriber = await opened.subscriber();
      const { store, prefix } = storeOn(opened, { subscriber });
      await store.create(draft("a"));
      let wakes = 0;
      await store.watch({ jobId: "a" }, () => {
        wakes += 1;
      });
      await store.write("a", change({ message: "one" }));
      await until("the watch is woken", () => wakes > 0);
      await cutSubscribers(server);
      const before = wakes;
      await until("the watch is woken after the reconnect", () => wakes > before);
      await store.close();
      await until(
        "the channels are unsubscribed",
        async () =>
          ((await runCommand(server, "PUBSUB", "CHANNELS", `${prefix}:*`)) as []).length === 0,
      );
      const other = storeOn(opened, { subscriber, prefix });
      const seen: unknown[] = [];
      await other.store.watch({ jobId: "a" }, (version) => seen.push(version));
      await other.store.write("a", change({ message: "two" }));
      await until("the watch of another store is woken", () => seen.length > 0);
      expect(seen).toEqual([3]);
    });

    test("given a close while a watch is pending, rejects the watch as closed", async () => {
      const { store } = storeOn(opened);
      const watch = codeOf(store.watch({ jobId: "a" }, () => {}));
      await store.close();
      expect(["closed", "none"]).toContain(await watch);
      expect(await codeOf(store.watch({ jobId: "a" }, () => {}))).toBe("closed");
      await until("no connection is left", async () => (await subscribersOf(server)).length === 0);
    });

    test("given a close while the server is down, rejects the pending watch and leaves no connection", async () => {
      const own = await startRedis();
      const client = await open(own);
      onTestFinished(() => client.close());
      const { store } = storeOn(client);
      await store.watch({ jobId: "a" }, () => {});
      await own.stop();
      const watch = codeOf(store.watch({ jobId: "b" }, () => {}));
      await store.close();
      expect(await watch).toBe("closed");
      await own.start();
      onTestFinished(() => own.stop());
      expect(await subscribersOf(own)).toHaveLength(0);
    });
  });
}
