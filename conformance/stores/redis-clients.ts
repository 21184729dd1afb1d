import type { RedisClient, RedisSubscriber } from "@emlinh/progress-server/stores/redis";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import type { RedisCluster, RedisServer } from "../servers/redis.js";

/** A client as an app creates it, and how to close it. */
export interface OpenedClient {
  readonly client: RedisClient;
  /** A second client, to pass as the subscriber. */
  subscriber(): Promise<RedisSubscriber>;
  close(): void;
}

/** The clients of both libraries for a single server. */
export const SINGLE_CLIENTS: readonly {
  name: string;
  open(server: RedisServer): Promise<OpenedClient>;
}[] = [
  {
    name: "node-redis",
    async open({ url }) {
      const opened = [createClient({ url, socket: { reconnectStrategy: 20 } })];
      const open = async (client: (typeof opened)[number]): Promise<void> => {
        client.on("error", () => {});
        await client.connect();
      };
      const [client] = opened as [(typeof opened)[number]];
      await open(client);
      return {
        client,
        async subscriber() {
          const second = client.duplicate();
          opened.push(second);
          await open(second);
          return second;
        },
        close() {
          for (const each of opened) each.destroy();
        },
      };
    },
  },
  {
    name: "ioredis",
    async open({ port }) {
      const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 20 });
      client.on("error", () => {});
      const opened = [client];
      return {
        client,
        async subscriber() {
          const second = client.duplicate();
          second.on("error", () => {});
          opened.push(second);
          return second;
        },
        close() {
          for (const each of opened) each.disconnect();
        },
      };
    },
  },
];

/** The clients of both libraries for a Cluster. */
export const CLUSTER_CLIENTS: readonly {
  name: string;
  open(cluster: RedisCluster): Promise<OpenedClient>;
}[] = [
  {
    name: "the cluster client of node-redis",
    async open({ nodes }) {
      const client = createCluster({
        rootNodes: nodes.map(({ url }) => ({ url })),
        defaults: { socket: { reconnectStrategy: 20 } },
      });
      client.on("error", () => {});
      await client.connect();
      return {
        client,
        subscriber: async () => client,
        close() {
          client.destroy();
        },
      };
    },
  },
  {
    name: "Cluster of ioredis",
    async open({ nodes }) {
      const client = new Cluster(
        nodes.map(({ port }) => ({ port, host: "127.0.0.1" })),
        { shardedSubscribers: true, clusterRetryStrategy: () => 20 },
      );
      client.on("error", () => {});
      return {
        client,
        subscriber: async () => client,
        close() {
          client.disconnect();
        },
      };
    },
  },
];

/** The clients of both libraries for a Cluster, each node of which is reached through a proxy on another port. */
export const PROXIED_CLUSTER_CLIENTS: readonly {
  name: string;
  open(
    nodes: readonly RedisServer[],
    proxies: readonly { readonly port: number }[],
  ): Promise<OpenedClient>;
}[] = [
  {
    name: "the cluster client of node-redis",
    async open(nodes, proxies) {
      const client = createCluster({
        rootNodes: proxies.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
        defaults: { socket: { reconnectStrategy: 20 } },
        nodeAddressMap: (address) => {
          const index = nodes.findIndex(({ port }) => address.endsWith(`:${port}`));
          return { host: "127.0.0.1", port: proxies[index]?.port ?? 0 };
        },
      });
      client.on("error", () => {});
      await client.connect();
      return { client, subscriber: async () => client, close: () => client.destroy() };
    },
  },
  {
    name: "Cluster of ioredis",
    async open(nodes, proxies) {
      const addresses = nodes.map(({ port }, index) => [
        `127.0.0.1:${port}`,
        { host: "127.0.0.1", port: proxies[index]?.port ?? 0 },
      ]);
      const client = new Cluster(
        proxies.map(({ port }) => ({ port, host: "127.0.0.1" })),
        {
          shardedSubscribers: true,
          clusterRetryStrategy: () => 20,
          natMap: Object.fromEntries(addresses),
        },
      );
      client.on("error", () => {});
      return { client, subscriber: async () => client, close: () => client.disconnect() };
    },
  },
];
