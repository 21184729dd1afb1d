import { redisStore } from "@emlinh/progress-server/stores/redis";
import {
  type MakeStore,
  type StoreCapabilities,
  storeSuite,
} from "@emlinh/progress-server/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { emptyRedis, REDIS_MISSING, type RedisServer, startRedis } from "../servers/redis.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { storeProperty } from "./store-property.js";

for (const { name, open } of SINGLE_CLIENTS) {
  describe.skipIf(REDIS_MISSING !== undefined)(`redisStore on ${name}`, () => {
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

    const makeStore: MakeStore = ({ space, clock: _, ...options }) =>
      redisStore({ client: opened.client, prefix: space, ...options });
    const capabilities: StoreCapabilities = {
      shared: true,
      durable: true,
      tombstones: true,
      clock: "backend",
      emptyBackend: (space) => emptyRedis([server], `${space}:*`),
    };

    storeSuite(test, makeStore, capabilities);

    test("given random calls, returns the same as a simple model", async () => {
      await storeProperty(makeStore, capabilities);
    });
  });
}
