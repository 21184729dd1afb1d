import { allowAnyone, createProgress, type ProgressError } from "@emlinh/progress-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { startMuteProxy } from "../servers/mute-proxy.js";
import { REDIS_MISSING, type RedisServer, runCommand, startRedis } from "../servers/redis.js";
import { until } from "./await-helpers.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { change, countCalls, draft, storeOn } from "./redis-kit.js";

async function serverOf(args: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedis({ args });
  onTestFinished(() => server.stop());
  return server;
}

/** A primary and its replica, which has all data. */
async function startPair(): Promise<readonly [RedisServer, RedisServer]> {
  const fast = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
  const primary = await serverOf(fast);
  const replica = await serverOf([...fast, "--replicaof", `127.0.0.1 ${primary.port}`]);
  await untilInSync(replica);
  return [primary, replica];
}

async function untilInSync(replica: RedisServer): Promise<void> {
  await until("the replica is in sync", async () =>
    String(await runCommand(replica, "INFO", "replication")).includes("master_link_status:up"),
  );
}

/** Makes the replica the primary of its primary, as Sentinel does, once it has all data. */
async function failOver(primary: RedisServer, replica: RedisServer): Promise<void> {
  await until("the replica is up to date", async () => {
    const [here, there] = await Promise.all([offsetOf(primary), offsetOf(replica)]);
    return here === there;
  });
  await runCommand(replica, "REPLICAOF", "NO", "ONE");
  await runCommand(primary, "REPLICAOF", "127.0.0.1", `${replica.port}`);
}

async function offsetOf(server: RedisServer): Promise<string | undefined> {
  const info = String(await runCommand(server, "INFO", "replication"));
  return /master_repl_offset:(\d+)/.exec(info)?.[1];
}

/** How often a server has refused something with a code. */
async function refusals(server: RedisServer, code: string): Promise<number> {
  const stats = String(await runCommand(server, "INFO", "errorstats"));
  return Number(new RegExp(`errorstat_${code}:count=(\\d+)`).exec(stats)?.[1] ?? 0);
}

interface Refusal {
  readonly code: string;
  begin(server: RedisServer): Promise<unknown>;
  end(server: RedisServer): Promise<unknown>;
}

/** A port on which nothing listens. */
const NOWHERE = ["127.0.0.1", "1"];

const REFUSALS: readonly Refusal[] = [
  {
    code: "READONLY",
    begin: (server) => runCommand(server, "REPLICAOF", ...NOWHERE),
    end: (server) => runCommand(server, "REPLICAOF", "NO", "ONE"),
  },
  {
    code: "MASTERDOWN",
    async begin(server) {
      await runCommand(server, "CONFIG", "SET", "replica-serve-stale-data", "no");
      await runCommand(server, "REPLICAOF", ...NOWHERE);
    },
    end: (server) => runCommand(server, "REPLICAOF", "NO", "ONE"),
  },
  {
    code: "NOREPLICAS",
    begin: (server) => runCommand(server, "CONFIG", "SET", "min-replicas-to-write", "1"),
    end: (server) => runCommand(server, "CONFIG", "SET", "min-replicas-to-write", "0"),
  },
  {
    code: "BUSY",
    async begin(server) {
      await runCommand(server, "CONFIG", "SET", "busy-reply-threshold", "1");
      runCommand(server, "EVAL", "while true do end", "0").catch(() => {});
      await until("the script runs for too long", () =>
        runCommand(server, "PING").then(
          () => false,
          (error) => String(error).includes("BUSY"),
        ),
      );
    },
    end: (server) => runCommand(server, "SCRIPT", "KILL"),
  },
];

describe.skipIf(REDIS_MISSING !== undefined)("redisStore: Redis moves", () => {
  describe.each(SINGLE_CLIENTS)("on $name", ({ open }) => {
    async function clientOf(server: Pick<RedisServer, "port" | "url">): Promise<OpenedClient> {
      const opened = await open(server as RedisServer);
      onTestFinished(() => opened.close());
      return opened;
    }

    test("given a failover behind an address, connects again, and loses neither a write nor a wake", async () => {
      const [primary, replica] = await startPair();
      const proxy = await startMuteProxy(primary.port);
      onTestFinished(() => proxy.close());
      const { store, errors } = storeOn(await clientOf(proxy));
      await store.create(draft("a"));
      const messages: unknown[] = [];
      await store.watch({ jobId: "a" }, () => {
        store.read("a").then(
          (delta) => messages.push(delta?.set.message),
          () => {},
        );
      });
      // The open connections stay at the old primary, which now is a replica.
      proxy.moveTo(replica.port);
      await failOver(primary, replica);
      await store.write("a", change({ message: "after" }));
      expect(await refusals(primary, "READONLY")).toBeGreaterThan(0);
      expect((await store.read("a"))?.set.message).toBe("after");
      await until("the watch reads the change", () => messages.includes("after"));
      expect(errors).toEqual([]);
    });

    test("given a failover, has the same lists, and wakes their watchers", async () => {
      const [primary, replica] = await startPair();
      const proxy = await startMuteProxy(primary.port);
      onTestFinished(() => proxy.close());
      const { store } = storeOn(await clientOf(proxy));
      const listed = { subjects: ["user:42"] };
      for (const id of ["a", "b", "c"]) await store.create(draft(id, listed));
      const { next } = await store.list("user:42", { limit: 1 });
      const pages: string[] = [];
      await store.watch({ subject: "user:42" }, () => {
        store.list("user:42", { limit: 10 }).then(
          ({ jobs }) => pages.push(jobs.join()),
          () => {},
        );
      });
      proxy.moveTo(replica.port);
      await failOver(primary, replica);
      await store.create(draft("d", listed));
      await until("the watch reads the list", () => pages.includes("d,c,b,a"));
      expect((await store.list("user:42", { limit: 1, before: next })).jobs).toEqual(["b"]);
      expect(await store.remove("b")).toBe(true);
      await until("the watch reads the removal", () => pages.includes("d,c,a"));
    });

    test.each(REFUSALS)(
      "given a server that answers $code for a moment, a write waits and is stored once",
      async ({ begin, end }) => {
        const server = await serverOf();
        const opened = await clientOf(server);
        const { store } = storeOn(opened);
        await store.create(draft("a"));
        await begin(server);
        const calls = countCalls(opened.client);
        const line = { at: 1, level: "info", text: "a line" } as const;
        const written = store.write("a", change({ percent: 1 }, { log: [line] }));
        written.catch(() => {});
        // The second try shows that the first one was refused.
        await until("it was refused", () => calls() > 1);
        await end(server);
        await written;
        expect(await store.read("a")).toMatchObject({ set: { percent: 1 }, log: [{ n: 1 }] });
      },
    );

    test("given a server that stays a replica, names the remedy, and delivers the end later", async () => {
      const [primary, replica] = await startPair();
      const { store } = storeOn(await clientOf(primary));
      const errors: ProgressError[] = [];
      const progress = createProgress({
        store,
        authorize: allowAnyone,
        onError: (error) => errors.push(error),
      });
      const { id } = await progress.create({ kind: "video" });
      const job = await progress.open(id);
      await failOver(primary, replica);
      const ending = job.complete({ done: true });
      await until("it is reported", () => errors.length > 0);
      expect(errors[0]).toMatchObject({ code: "store-unavailable", retryable: true });
      expect(errors[0]?.message).toMatch(/READONLY.*Sentinel or Cluster.*reconnectOnError/s);
      await untilInSync(primary);
      await failOver(replica, primary);
      expect(await ending).toMatchObject({ status: "completed" });
      await progress.drain();
    });
  });
});
