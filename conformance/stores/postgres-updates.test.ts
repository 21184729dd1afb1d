import { readFile } from "node:fs/promises";
import type { ProgressStore } from "@emlinh/progress-server";
import {
  migratePostgres,
  type PostgresStoreOptions,
  postgresMigration,
  postgresStore,
} from "@emlinh/progress-server/stores/postgres";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { codeOf } from "./await-helpers.js";
import { listedIds, poolOf, runningJob, setMessage, wakeRecorder } from "./postgres-kit.js";

const FIRST_VERSION = new URL("fixtures/postgres-version-1.sql", import.meta.url);
const DAY_MS = 86_400_000;

/** Calls of the first version of the library. */
const CREATE = `select progress.create_job($1, 'epoch', null, '{"status":"\\"running\\""}', 1, false, false, null,
  3600000, 86400000)`;
const REMOVE = "select progress.remove_job($1, 86400000) as answer";
const SWEEP = `select progress.sweep_jobs($1, 100, 50, 3600000, 86400000, 86400000, '{}') as answer`;

describe.skipIf(POSTGRES_MISSING)(`updates of the tables ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  let url: string;
  let pool: pg.Pool;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });
  beforeEach(async () => {
    await pool?.end();
    url = await server.newDatabase();
    pool = poolOf(url);
    await pool.query(await readFile(FIRST_VERSION, "utf8"));
    await pool.query(CREATE, ["old"]);
  });

  function store(options: Partial<PostgresStoreOptions> = {}): ProgressStore {
    return postgresStore({ pool, listener: false, ...options });
  }

  test("given jobs of the first version, keeps them, and lists new ones", async () => {
    const own = store();
    expect((await own.read("old"))?.set.status).toBe("running");
    await setMessage(own, "old", "one");
    // The first call that needs the new tables creates them.
    await runningJob(own, "new", ["user:42"]);
    expect(await listedIds(own, "user:42")).toEqual(["new"]);
    expect((await own.read("old"))?.set.message).toBe("one");
    expect(await own.sweep(Date.now() + 2 * DAY_MS, 10)).toMatchObject({ expired: 2 });
    expect(await listedIds(own, "user:42")).toEqual([]);
  });

  test.each([
    ["list", (own: ProgressStore) => own.list("user:42", { limit: 1 })],
    ["learn", (own: ProgressStore) => own.learn("video", { render: 1 })],
    ["expectations", (own: ProgressStore) => own.expectations("video")],
    ["remove", (own: ProgressStore) => own.remove("old")],
    ["sweep", (own: ProgressStore) => own.sweep(Date.now() + 2 * DAY_MS, 10)],
  ])("given a first call of %s, succeeds", async (_name, call) => {
    await call(store());
    await runningJob(store(), "new", ["user:42"]);
  });

  test("given eight processes that start at the same time, updates once", async () => {
    const pools = Array.from({ length: 8 }, () => poolOf(url, { max: 1 }));
    await Promise.all(pools.map((each) => migratePostgres(each)));
    await Promise.all(pools.map((each) => each.end()));
    const { rows } = await pool.query("select version from progress.migrations order by 1");
    expect(rows).toEqual([{ version: 1 }, { version: 2 }]);
  });

  test("given a table of jobs that others write to, takes no lock that they would wait for", async () => {
    const writer = await pool.connect();
    await writer.query("begin");
    await writer.query("update progress.jobs set version = 2");
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`begin; ${postgresMigration()}`);
    const { rows } = await client.query(
      `select mode from pg_locks where pid = pg_backend_pid()
        and relation in ('progress.jobs'::regclass, 'progress.fields'::regclass, 'progress.lines'::regclass)`,
    );
    expect(rows.filter(({ mode }) => mode !== "AccessShareLock")).toEqual([]);
    await client.query("commit");
    await client.end();
    await writer.query("commit");
    writer.release();
  });

  test("given a process of the first version that goes on, it works, and takes jobs out of their lists", async () => {
    const own = store({ pollMs: 10 });
    for (const id of ["a", "b", "c"]) await runningJob(own, id, ["user:42"]);
    const { wake, moreThan, wakes } = wakeRecorder();
    await own.watch({ subject: "user:42" }, wake);
    await moreThan(0);
    await pool.query(CREATE, ["late"]);
    expect((await own.read("late"))?.set.status).toBe("running");

    let seen = wakes.length;
    expect((await pool.query(REMOVE, ["a"])).rows).toEqual([{ answer: "true" }]);
    expect((await pool.query(REMOVE, ["a"])).rows).toEqual([{ answer: "false" }]);
    await moreThan(seen);
    expect(await listedIds(own, "user:42")).toEqual(["c", "b"]);

    seen = wakes.length;
    const { rows } = await pool.query(SWEEP, [Date.now() + 2 * DAY_MS]);
    expect(JSON.parse(rows[0]?.answer).swept).toHaveLength(4);
    await moreThan(seen);
    expect(await listedIds(own, "user:42")).toEqual([]);
    await own.close();
  });

  test("given a role that has rights on the tables of the first version, it may use the new ones", async () => {
    await pool.query(`
      do $$ begin create role "App One" login; exception when duplicate_object then null; end $$;
      grant usage on schema progress to "App One";
      grant select, insert, update, delete on all tables in schema progress to "App One"`);
    await migratePostgres(pool);
    const limited = poolOf(url.replace("postgres@", "App%20One@"));
    const app = store({ pool: limited });
    await runningJob(app, "a", ["user:42"]);
    expect(await listedIds(app, "user:42")).toEqual(["a"]);
    await app.learn("video", { render: 1000 });
    expect((await app.expectations("video")).render?.count).toBe(1);
    expect((await limited.query(REMOVE, ["a"])).rows).toEqual([{ answer: "true" }]);
    expect((await app.sweep(Date.now() + 2 * DAY_MS, 10)).expired).toBe(1);
    await limited.end();
  });

  test("given a role that may not change the tables, says what to do", async () => {
    await pool.query(`
      do $$ begin create role reader login; exception when duplicate_object then null; end $$;
      grant usage on schema progress to reader`);
    const limited = poolOf(url.replace("postgres@", "reader@"));
    const call = store({ pool: limited }).list("user:42", { limit: 1 });
    await expect(call).rejects.toThrow("permission denied");
    expect(await codeOf(call)).toBe("store-unavailable");
    const unmigrated = store({ migrate: false }).list("user:42", { limit: 1 });
    await expect(unmigrated).rejects.toThrow("Call migratePostgres()");
    await limited.end();
  });
});
