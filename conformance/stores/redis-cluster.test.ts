import { redisStore } from "@emlinh/progress-server/stores/redis";
import { storeSuite } from "@emlinh/progress-server/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import {
  emptyRedis,
  REDIS_MISSING,
  type RedisCluster,
  startRedisCluster,
} from "../servers/redis.js";
import { CLUSTER_CLIENTS, type OpenedClient } from "./redis-clients.js";

describe.skipIf(REDIS_MISSING !== undefined)("redisStore on a Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  for (const { name, open } of CLUSTER_CLIENTS) {
    describe(`with ${name}`, () => {
      let opened: OpenedClient;
      beforeAll(async () => {
        opened = await open(cluster);
      });
      afterAll(() => opened.close());

      storeSuite(
        test,
        ({ space, clock: _, ...options }) =>
          redisStore({ client: opened.client, prefix: space, ...options }),
        {
          shared: true,
          durable: true,
          tombstones: true,
          clock: "backend",
          emptyBackend: (space) => emptyRedis(cluster.nodes, `${space}:*`),
        },
      );
    });
  }
});
