import type { ProgressStore } from "@emlinh/progress-server";
import { type PostgresStoreOptions, postgresStore } from "@emlinh/progress-server/stores/postgres";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { listedIds, poolOf, runningJob, wakeRecorder } from "./postgres-kit.js";

const SUBJECT = "user:42";
const DAY_MS = 86_400_000;

/** Stores a job as the store does, without a notification. */
const CREATE = `select progress.create_job(
  $1, 'epoch', null, '{"status":"\\"running\\""}', 1, false, false, null, 3600000, 86400000, $2
)`;

describe.skipIf(POSTGRES_MISSING)(`postgresStore's lists ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  let url: string;
  let pool: pg.Pool;
  let store: ProgressStore;

  beforeAll(async () => {
    server = await startPostgres({ settings: ["max_connections=200"] });
  });
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });
  beforeEach(async () => {
    await pool?.end();
    url = await server.newDatabase();
    pool = poolOf(url, { max: 20 });
    store = open();
    await store.expectations("video");
  });

  function open(options: Partial<PostgresStoreOptions> = {}): ProgressStore {
    return postgresStore({ pool, listener: false, pollMs: 10, ...options });
  }

  /** A session of its own. */
  async function session(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  }

  /** Runs `work` while a creation is stored and not committed. */
  async function duringCreation(id: string, work: (client: pg.Client) => Promise<void>) {
    const client = await session();
    await client.query("begin");
    await client.query(CREATE, [id, JSON.stringify([SUBJECT])]);
    await work(client);
    await client.end();
  }

  test("given an uncommitted creation that is the older one, appears in its place once it is committed", async () => {
    await runningJob(store, "a", [SUBJECT]);
    await duringCreation("b", async (client) => {
      await runningJob(store, "c", [SUBJECT]);
      const { jobs, next } = await store.list(SUBJECT, { limit: 1 });
      expect(jobs).toEqual(["c"]);
      await client.query("commit");
      // It was not there when the first page was asked for, but its place has not been passed.
      const rest = await store.list(SUBJECT, { limit: 100, before: next });
      expect(rest.jobs).toEqual(["b", "a"]);
    });
    expect(await listedIds(store, SUBJECT)).toEqual(["c", "b", "a"]);
  });

  test("given an uncommitted creation, another session creates a job of the same subject without waiting", async () => {
    await duringCreation("a", async (client) => {
      const { rows } = await client.query("select pg_backend_pid() as pid");
      // The sessions of one process number of 16 share a row.
      let other = await session();
      for (const pid = Number(rows[0]?.pid); ; other = await session()) {
        const found = await other.query("select pg_backend_pid() as pid");
        if (Number(found.rows[0]?.pid) % 16 !== pid % 16) break;
        await other.end();
      }
      await other.query("set lock_timeout = '1ms'");
      await other.query(CREATE, ["b", JSON.stringify([SUBJECT])]);
      await other.end();
      await client.query("commit");
    });
    expect([...(await listedIds(store, SUBJECT))].sort()).toEqual(["a", "b"]);
  });

  test("given creations that are committed in the other order, and never notified, a poll finds each", async () => {
    const { wake, wakes, moreThan } = wakeRecorder();
    const unwatch = await open().watch({ subject: SUBJECT }, wake);
    await moreThan(0);
    await duringCreation("a", async (client) => {
      let seen = wakes.length;
      await pool.query(CREATE, ["b", JSON.stringify([SUBJECT])]);
      await moreThan(seen);
      expect(await listedIds(store, SUBJECT)).toEqual(["b"]);
      seen = wakes.length;
      await client.query("commit");
      await moreThan(seen);
    });
    expect(await listedIds(store, SUBJECT)).toEqual(["b", "a"]);
    for (const leave of [
      "select progress.remove_listed_job('a', 1000)",
      `select progress.sweep_jobs(${Date.now() + 3 * DAY_MS}, 10, 10, 1000, 1000, 1000, '{}')`,
    ]) {
      const seen = wakes.length;
      await pool.query(leave);
      await moreThan(seen);
    }
    expect(wakes.every((version) => version === undefined)).toBe(true);
    expect(await listedIds(store, SUBJECT)).toEqual([]);
    await unwatch();
  });

  test("given jobs that only change, polls wake no watch of their list", async () => {
    await runningJob(store, "a", [SUBJECT]);
    let polls = 0;
    const counted = {
      async query(text: string, values?: (string | null)[]) {
        const result = await pool.query(text, values);
        if (text.includes("list_versions")) polls += 1;
        return result;
      },
    };
    const watcher = open({ pool: counted });
    const { wake, wakes, moreThan } = wakeRecorder();
    await watcher.watch({ subject: SUBJECT }, wake);
    await moreThan(0);
    const [seen, before] = [wakes.length, polls];
    for (let by = 0; polls < before + 5; by += 1)
      await store.write("a", { set: { message: `${by}` }, log: [] });
    expect(wakes).toHaveLength(seen);
    await watcher.close();
  });

  test("given creations, removals and sweeps of the same subjects in any order, there is no deadlock", async () => {
    const subjects = Array.from({ length: 6 }, (_, by) => `batch:${by}`);
    const kept = new Map(subjects.map((subject) => [subject, new Set<string>()]));
    // Several sessions for each row of a list.
    const many = poolOf(url, { max: 64 });
    const stores = [open({ pool: many }), open({ pool: many }), open({ pool: many })];
    // Jobs that have ended expire, and others do not.
    const later = Date.now() + 2 * 3_600_000;
    const work = async (worker: number): Promise<void> => {
      const own = stores[worker % stores.length] ?? store;
      for (let by = 0; by < 20; by += 1) {
        const [id, first] = [`job-${worker}-${by}`, (worker + by) % 6];
        const turned = [...subjects.slice(first), ...subjects.slice(0, first)];
        const some = turned.slice(0, 1 + (by % 4)).reverse();
        const status = by % 3 === 0 ? "completed" : "running";
        await own.create({ id, set: { status }, subjects: some });
        if (by % 3 === 1) for (const subject of some) kept.get(subject)?.add(id);
        if (by % 3 === 2) await own.remove(id);
        if (by % 4 === 0) await own.sweep(later, 20);
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, by) => work(by)));
    while ((await store.sweep(later, 100)).more);
    await many.end();
    const deadlocks =
      "select deadlocks::int from pg_stat_database where datname = current_database()";
    expect((await pool.query(deadlocks)).rows).toEqual([{ deadlocks: 0 }]);
    const listed = "select job_id from progress.listed_jobs where subject = $1";
    for (const [subject, ids] of kept) {
      const { rows } = await pool.query(listed, [subject]);
      expect(new Set(rows.map(({ job_id }) => job_id))).toEqual(ids);
    }
  });

  test("given a creation that is sent again while the job is removed, lists no removed job", async () => {
    const subjects = JSON.stringify([SUBJECT]);
    await pool.query(CREATE, ["a", subjects]);
    const remover = await session();
    await remover.query("begin");
    await remover.query("select progress.remove_listed_job('a', 1000000)");
    const again = pool.query(CREATE, ["a", subjects]);
    await remover.query("commit");
    await again;
    await pool.query(CREATE, ["a", subjects]);
    await remover.end();
    expect(await listedIds(store, SUBJECT)).toEqual([]);
  });

  test("given a known key, the job stays in the lists of its first draft", async () => {
    await store.create({ id: "a", key: "order 7", set: {}, subjects: ["user:1"] });
    const second = { id: "b", key: "order 7", set: {}, subjects: ["user:2"] };
    expect(await store.create(second)).toMatchObject({ jobId: "a", created: false });
    expect(await listedIds(store, "user:1")).toEqual(["a"]);
    expect(await listedIds(store, "user:2")).toEqual([]);
  });

  test("given subjects and positions that no store has, answers without a query", async () => {
    await runningJob(store, "a", [SUBJECT]);
    for (const subject of ["", "a b", "a\u0000", "\ud800", "x".repeat(129)])
      expect(await store.list(subject, { limit: 1 })).toEqual({ jobs: [], next: undefined });
    for (const before of ["", "1", "a.b", "1.a b", `${"9".repeat(30)}.a`, "1.\u0000"])
      expect(await store.list(SUBJECT, { limit: 1, before })).toEqual({
        jobs: [],
        next: undefined,
      });
  });

  test("given list versions and durations that were not used for long, a sweep deletes only them", async () => {
    for (const subject of ["user:1", "user:2"])
      await runningJob(store, subject.replace(":", "-"), [subject]);
    for (const kind of ["old", "new"]) await store.learn(kind, { render: 1000 });
    await pool.query(
      "update progress.list_versions set version = version - $1 where subject = 'user:1'",
      [2 * DAY_MS],
    );
    await pool.query(
      `update progress.expectations set learned_at = learned_at - $1 where kind = '"old"'`,
      [91 * DAY_MS],
    );
    await store.sweep(undefined, 10);
    const { rows } = await pool.query("select subject from progress.list_versions");
    expect(rows).toEqual([{ subject: "user:2" }]);
    expect(await store.expectations("old")).toEqual({});
    expect(Object.keys(await store.expectations("new"))).toEqual(["render"]);
    // The list itself is kept, and a poll finds its next change.
    expect(await listedIds(store, "user:1")).toEqual(["user-1"]);
    const { wake, wakes, moreThan } = wakeRecorder();
    const watcher = open();
    await watcher.watch({ subject: "user:1" }, wake);
    await moreThan(0);
    await pool.query(CREATE, ["late", '["user:1"]']);
    await moreThan(wakes.length);
    await watcher.close();
  });

  test("given a step that always takes 1 ms, learns it however often", async () => {
    await store.learn("video", { render: 2, upload: 1 });
    // As thousands of jobs leave it: PostgreSQL refuses a product that is too small for a number.
    await pool.query(
      "update progress.expectations set mean = 1e-200, count = 5000 where step like '%render%'",
    );
    await store.learn("video", { render: 1, upload: 1 });
    const { render, upload } = await store.expectations("video");
    expect([render?.count, upload]).toEqual([5001, { count: 2, mean: 0, variance: 0 }]);
  });
});
