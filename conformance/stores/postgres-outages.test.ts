import type { ProgressError, ProgressStore } from "@emlinh/progress-server";
import {
  type PostgresListener,
  pgListener,
  postgresStore,
} from "@emlinh/progress-server/stores/postgres";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { codeOf, listeners, poolOf, runningJob, setMessage, until, waker } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`postgresStore's outages ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  /** One for each of two processes. */
  let pools: readonly [pg.Pool, pg.Pool];
  let stores: ProgressStore[];
  let errors: ProgressError[];
  /** How often the watching process asked for a connection to listen on, and looked at its jobs. */
  let connects: number;
  let looks: number;

  beforeEach(async () => {
    server = await startPostgres();
    pools = [poolOf(server.url), poolOf(server.url)];
    stores = [];
    errors = [];
    connects = 0;
    looks = 0;
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

  /** Two processes: one that writes, one that watches. */
  function two(listener: PostgresListener | false, pollMs: number): [ProgressStore, ProgressStore] {
    const onError = (error: ProgressError): void => void errors.push(error);
    const [first, second] = pools;
    const writer = postgresStore({ pool: first, listener: false });
    const pool = {
      query(text: string, values?: (string | null)[]) {
        if (text.includes("json_object_agg")) looks += 1;
        return second.query(text, values);
      },
    };
    const watcher = postgresStore({ pool, listener, pollMs, onError });
    stores.push(writer, watcher);
    return [writer, watcher];
  }

  test.each(["fast", "immediate"] as const)(
    "given a server that is stopped (%s) and started, wakes the watchers, tells of it once, and goes on",
    async (mode) => {
      const [writer, watcher] = two(direct(), 60_000);
      await runningJob(writer, "a");
      const { wake, told, past } = waker();
      await watcher.watch("a", wake);
      await until("it listens", async () => (await listeners(pools[0])).length === 1);
      const cursor = await setMessage(writer, "a", "before");
      await until("the write is heard", () => told.includes(2));

      await server.stop(mode);
      expect(await codeOf(setMessage(writer, "a", "meanwhile"))).toBe("store-unavailable");
      expect(await codeOf(watcher.read("a"))).toBe("store-unavailable");
      await until("the outage is told", () => errors.length > 0);
      const { length } = errors;
      const before = connects;
      await until("several tries to connect have failed", () => connects > before + 1);
      expect(errors).toHaveLength(length);
      const seen = told.length;
      await server.start();
      await past(seen);
      expect(told.at(-1)).toBeUndefined();

      expect((await watcher.read("a"))?.cursor).toBe(cursor);
      await setMessage(writer, "a", "after");
      await until("a write is heard again", () => told.includes(3));
      expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
    },
  );

  test("given a listener whose connection is ended, connects anew, wakes, and hears again", async () => {
    const [writer, watcher] = two(direct(), 60_000);
    await runningJob(writer, "a");
    const { wake, told, past } = waker();
    await watcher.watch("a", wake);
    for (const version of [2, 3, 4]) {
      await until("it listens", async () => (await listeners(pools[0])).length === 1);
      const [pid] = await listeners(pools[0]);
      const seen = told.length;
      await pools[0].query("select pg_terminate_backend($1)", [pid]);
      await past(seen);
      expect(told.slice(seen)).toEqual([undefined]);
      await setMessage(writer, "a", `${version}`);
      await until("a write is heard again", () => told.includes(version));
    }
    expect(errors.map(({ code }) => code)).toEqual(Array(3).fill("store-unavailable"));
    expect(errors[0]?.message).toContain("terminating connection");
  });

  test("given a listener whose connection falls silent, as by a network that was cut, connects anew, and wakes", async () => {
    const listener = pgListener(() => new pg.Client({ connectionString: server.url }), {
      probeMs: 300,
    });
    const [writer, watcher] = two(listener, 60_000);
    await runningJob(writer, "a");
    const { wake, told, past } = waker();
    await watcher.watch("a", wake);
    await past(0);
    const [pid = 0] = await listeners(pools[0]);
    process.kill(pid, "SIGSTOP");
    try {
      await past(1);
      expect(errors[0]?.message).toContain("no answer");
      await setMessage(writer, "a", "after");
      await until("a write is heard again", () => told.includes(2));
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });

  test("given a server that isn't there at the first watch, watches, and wakes once it is", async () => {
    const [writer, watcher] = two(direct(), 60_000);
    await runningJob(writer, "a");
    await server.stop();
    const { wake, told, past } = waker();
    const unwatch = await watcher.watch("a", wake);
    await until("the outage is told", () => errors.length > 0);
    expect(told).toEqual([]);
    await server.start();
    await past(0);
    await unwatch();
    expect(errors).toHaveLength(1);
  });

  test("given no listener, looks until the server is back, wakes, and tells of it once", async () => {
    const [writer, watcher] = two(false, 20);
    await runningJob(writer, "a");
    const { wake, told, past } = waker();
    await watcher.watch("a", wake);
    await past(0);
    await server.stop();
    await until("the outage is told", () => errors.length > 0);
    const before = looks;
    await until("several looks have failed", () => looks > before + 3);
    const seen = told.length;
    await server.start();
    await past(seen);
    await setMessage(writer, "a", "after");
    await until("a write is found", () => told.includes(2));
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test("given connections of the pool that were ended, reads and writes by others", async () => {
    const [store] = two(false, 60_000);
    await runningJob(store, "a");
    await Promise.all(Array.from({ length: 5 }, () => store.read("a")));
    const pids =
      "select pid from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'";
    await pools[1].query(`select pg_terminate_backend(pid) from (${pids}) as others`);
    expect((await store.read("a"))?.set.status).toBe("running");
    await setMessage(store, "a", "after");
  });

  test("given a close while the server is away, resolves", async () => {
    const [writer, watcher] = two(direct(), 20);
    await runningJob(writer, "a");
    await watcher.watch("a", () => {});
    await until("it listens", async () => (await listeners(pools[0])).length === 1);
    await server.stop();
    await until("the outage is told", () => errors.length > 0);
    await watcher.close();
    expect(await codeOf(watcher.read("a"))).toBe("closed");
  });
});
