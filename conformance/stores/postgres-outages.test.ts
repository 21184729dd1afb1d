import type { ProgressError, ProgressStore } from "@emlinh/progress-server";
import {
  type PostgresListener,
  pgListener,
  postgresStore,
} from "@emlinh/progress-server/stores/postgres";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { codeOf, until } from "./await-helpers.js";
import {
  listedIds,
  listeningPids,
  poolOf,
  runningJob,
  setMessage,
  wakeRecorder,
} from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`postgresStore's outages ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  /** One for each of two stores. */
  let pools: readonly [pg.Pool, pg.Pool];
  let stores: ProgressStore[];
  let errors: ProgressError[];
  /** The number of connections that the watching store opened to listen on. */
  let connects: number;
  /** The number of its polls. */
  let polls: number;

  beforeEach(async () => {
    server = await startPostgres();
    pools = [poolOf(server.url), poolOf(server.url)];
    stores = [];
    errors = [];
    connects = 0;
    polls = 0;
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all(pools.map((pool) => pool.end()));
    await server.stop();
  });

  function direct(): PostgresListener {
    return pgListener(() => {
      connects += 1;
      return new pg.Client({ connectionString: server.url });
    });
  }

  /** Two stores: one that writes, one that watches. */
  function openTwo(
    listener: PostgresListener | false,
    pollMs: number,
  ): [ProgressStore, ProgressStore] {
    const onError = (error: ProgressError): void => void errors.push(error);
    const [first, second] = pools;
    const writer = postgresStore({ pool: first, listener: false });
    const pool = {
      query(text: string, values?: (string | null)[]) {
        if (text.includes("json_object_agg")) polls += 1;
        return second.query(text, values);
      },
    };
    const watcher = postgresStore({ pool, listener, pollMs, onError });
    stores.push(writer, watcher);
    return [writer, watcher];
  }

  test.each(["fast", "immediate"] as const)(
    "given a server that is stopped (%s) and started, reports the outage once, wakes the watchers, and listens again",
    async (mode) => {
      const [writer, watcher] = openTwo(direct(), 60_000);
      await runningJob(writer, "a");
      const { wake, wakes, moreThan } = wakeRecorder();
      await watcher.watch({ jobId: "a" }, wake);
      await until("the store listens", async () => (await listeningPids(pools[0])).length === 1);
      const cursor = await setMessage(writer, "a", "before");
      await until("the write wakes the watch", () => wakes.includes(2));

      await server.stop(mode);
      expect(await codeOf(setMessage(writer, "a", "meanwhile"))).toBe("store-unavailable");
      expect(await codeOf(watcher.read("a"))).toBe("store-unavailable");
      await until("the outage is reported", () => errors.length > 0);
      const { length } = errors;
      const before = connects;
      await until("several tries to connect have failed", () => connects > before + 1);
      expect(errors).toHaveLength(length);
      const seen = wakes.length;
      await server.start();
      await moreThan(seen);
      expect(wakes.at(-1)).toBeUndefined();

      expect((await watcher.read("a"))?.cursor).toBe(cursor);
      await setMessage(writer, "a", "after");
      await until("a write wakes the watch again", () => wakes.includes(3));
      expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
    },
  );

  test("given a listener whose connection is terminated, listens again and wakes the watchers", async () => {
    const [writer, watcher] = openTwo(direct(), 60_000);
    await runningJob(writer, "a");
    const { wake, wakes, moreThan } = wakeRecorder();
    await watcher.watch({ jobId: "a" }, wake);
    for (const version of [2, 3, 4]) {
      await until("the store listens", async () => (await listeningPids(pools[0])).length === 1);
      const [pid] = await listeningPids(pools[0]);
      const seen = wakes.length;
      await pools[0].query("select pg_terminate_backend($1)", [pid]);
      await moreThan(seen);
      expect(wakes.slice(seen)).toEqual([undefined]);
      await setMessage(writer, "a", `${version}`);
      await until("a write wakes the watch again", () => wakes.includes(version));
    }
    expect(errors.map(({ code }) => code)).toEqual(Array(3).fill("store-unavailable"));
    expect(errors[0]?.message).toContain("terminating connection");
  });

  test("given a listener whose connection gives no answer, listens again and wakes the watchers", async () => {
    const listener = pgListener(() => new pg.Client({ connectionString: server.url }), {
      probeMs: 300,
    });
    const [writer, watcher] = openTwo(listener, 60_000);
    await runningJob(writer, "a");
    const { wake, wakes, moreThan } = wakeRecorder();
    await watcher.watch({ jobId: "a" }, wake);
    await moreThan(0);
    const [pid = 0] = await listeningPids(pools[0]);
    process.kill(pid, "SIGSTOP");
    try {
      await moreThan(1);
      expect(errors[0]?.message).toContain("no answer");
      await setMessage(writer, "a", "after");
      await until("a write wakes the watch again", () => wakes.includes(2));
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });

  test("given a server that is down at the first watch, wakes the watchers once it is up", async () => {
    const [writer, watcher] = openTwo(direct(), 60_000);
    await runningJob(writer, "a");
    await server.stop();
    const { wake, wakes, moreThan } = wakeRecorder();
    const unwatch = await watcher.watch({ jobId: "a" }, wake);
    await until("the outage is reported", () => errors.length > 0);
    expect(wakes).toEqual([]);
    await server.start();
    await moreThan(0);
    await unwatch();
    expect(errors).toHaveLength(1);
  });

  test("given no listener and an outage, reports it once, and wakes the watchers after it", async () => {
    const [writer, watcher] = openTwo(false, 20);
    await runningJob(writer, "a");
    const { wake, wakes, moreThan } = wakeRecorder();
    await watcher.watch({ jobId: "a" }, wake);
    await moreThan(0);
    await server.stop();
    await until("the outage is reported", () => errors.length > 0);
    const before = polls;
    await until("several polls have failed", () => polls > before + 3);
    const seen = wakes.length;
    await server.start();
    await moreThan(seen);
    await setMessage(writer, "a", "after");
    await until("a poll finds the write", () => wakes.includes(2));
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test.each([
    { how: "a listener", isListening: true, pollMs: 60_000 },
    { how: "no listener", isListening: false, pollMs: 20 },
  ])(
    "given $how and an outage, wakes the watchers of a list after it, and at the next creation",
    async ({ isListening, pollMs }) => {
      const [writer, watcher] = openTwo(isListening && direct(), pollMs);
      await runningJob(writer, "a", ["user:42"]);
      const { wake, wakes, moreThan } = wakeRecorder();
      await watcher.watch({ subject: "user:42" }, wake);
      await moreThan(0);
      await server.stop("immediate");
      await until("the outage is reported", () => errors.length > 0);
      let seen = wakes.length;
      await server.start();
      await moreThan(seen);
      expect(await listedIds(watcher, "user:42")).toEqual(["a"]);
      seen = wakes.length;
      await runningJob(writer, "b", ["user:42"]);
      await moreThan(seen);
      expect(await listedIds(watcher, "user:42")).toEqual(["b", "a"]);
      expect(wakes.every((version) => version === undefined)).toBe(true);
    },
  );

  test("given pooled connections that were terminated, reads and writes on new ones", async () => {
    const [store] = openTwo(false, 60_000);
    await runningJob(store, "a");
    await Promise.all(Array.from({ length: 5 }, () => store.read("a")));
    const pids =
      "select pid from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'";
    await pools[1].query(`select pg_terminate_backend(pid) from (${pids}) as others`);
    expect((await store.read("a"))?.set.status).toBe("running");
    await setMessage(store, "a", "after");
  });

  test("given a close while the server is down, resolves", async () => {
    const [writer, watcher] = openTwo(direct(), 20);
    await runningJob(writer, "a");
    await watcher.watch({ jobId: "a" }, () => {});
    await until("the store listens", async () => (await listeningPids(pools[0])).length === 1);
    await server.stop();
    await until("the outage is reported", () => errors.length > 0);
    await watcher.close();
    expect(await codeOf(watcher.read("a"))).toBe("closed");
  });
});
