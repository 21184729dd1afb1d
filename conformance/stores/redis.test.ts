import { redisStore } from "@emlinh/progress-server/stores/redis";
import { storeSuite } from "@emlinh/progress-server/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { emptyRedis, REDIS_MISSING, type RedisServer, startRedis } from "../servers/redis.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";

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

    storeSuite(
      test,
      ({ space, clock: _, ...options }) =>
        redisStore({ client: opened.client, prefix: space, ...options }),
      {
        shared: true,
        durable: true,
        tombstones: true,
        clock: "backend",
        emptyBackend: (space) => emptyRedis([server], `${space}:*`),
      },
    );
  });
}
