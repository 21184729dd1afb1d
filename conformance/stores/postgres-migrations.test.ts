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
import { poolOf, runningJob, setMessage } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`migratePostgres ${POSTGRES_MISSING ?? ""}`, () => {
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
  });

  function store(options: Partial<PostgresStoreOptions> = {}) {
    return postgresStore({ pool, listener: false, ...options });
  }

  /** The qualified names of all tables, indexes and functions in the database. */
  async function objectNames(): Promise<readonly string[]> {
    const { rows } = await pool.query(`
      select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_|^information_schema'
      union select n.nspname || '.' || p.proname || '()' from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname !~ '^pg_|^information_schema' order by 1`);
    return rows.map(({ name }) => String(name));
  }

  test("given eight processes that start at the same time, migrates once", async () => {
    const pools = Array.from({ length: 8 }, () => poolOf(url, { max: 1 }));
    await Promise.all(pools.map((each) => migratePostgres(each)));
    await Promise.all(pools.map((each) => each.end()));
    const { rows } = await pool.query("select version from progress.migrations");
    expect(rows).toEqual([{ version: 1 }, { version: 2 }]);
    await runningJob(store({ migrate: false }), "a");
  });

  test("given a database that is up to date, changes nothing and keeps the jobs", async () => {
    await migratePostgres(pool);
    await runningJob(store(), "a");
    const before = await objectNames();
    await migratePostgres(pool);
    expect(await objectNames()).toEqual(before);
    expect((await store().read("a"))?.set.status).toBe("running");
  });

  test("given a role that may not create and a database that is up to date, the store works", async () => {
    await migratePostgres(pool);
    await pool.query(`
      do $$ begin create role app login; exception when duplicate_object then null; end $$;
      grant usage on schema progress to app;
      grant select, insert, update, delete on all tables in schema progress to app`);
    const own = poolOf(url.replace("postgres@", "app@"));
    await migratePostgres(own);
    const app = postgresStore({ pool: own, listener: false });
    await runningJob(app, "a");
    await setMessage(app, "a", "one");
    expect((await app.read("a"))?.set.message).toBe("one");
    expect((await app.sweep(undefined, 10)).more).toBe(false);
    await own.end();
  });

  test("given no tables, the first call creates them, also if many run at the same time", async () => {
    const first = store();
    const reads = await Promise.all(Array.from({ length: 8 }, () => first.read("a")));
    expect(reads).toEqual(Array(8).fill(undefined));
    await runningJob(first, "a");
    expect(await codeOf(store({ schema: "s1" }).write("a", { set: {}, log: [] }))).toBe(
      "job-not-found",
    );
    expect((await store({ schema: "s2" }).sweep(undefined, 10)).expired).toBe(0);
    await runningJob(store({ schema: "s3" }), "a");
  });

  test("given no tables and `migrate: false`, throws and says what to do", async () => {
    const call = store({ migrate: false }).read("a");
    await expect(call).rejects.toThrow("Call migratePostgres()");
    expect(await codeOf(call)).toBe("store-unavailable");
    expect(await objectNames()).toEqual([]);
  });

  test("given a schema of the app and a prefix, uses both, and keeps two prefixes separate", async () => {
    const location = { schema: "public", tablePrefix: "progress_" };
    await migratePostgres(pool, location);
    const found = await objectNames();
    expect(found.filter((each) => !each.startsWith("public.progress_"))).toEqual([]);
    expect(found).toContain("public.progress_jobs");
    const other = store({ schema: "public", tablePrefix: "other_" });
    await runningJob(store(location), "a");
    expect(await other.read("a")).toBeUndefined();
    await runningJob(other, "a");
  });

  test("given the migration as SQL in a transaction, it is rolled back or committed with it", async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const sql = postgresMigration({ schema: "mine" });
    await client.query(`begin; ${sql}; rollback`);
    expect(await objectNames()).toEqual([]);
    await client.query(`begin; ${sql}; ${sql}; commit`);
    await client.end();
    await runningJob(store({ schema: "mine", migrate: false }), "a");
  });

  test("given the longest names with capital letters, finds them again", async () => {
    const location = { schema: `S${"x".repeat(30)}`, tablePrefix: `P${"x".repeat(16)}` };
    await migratePostgres(pool, location);
    await migratePostgres(pool, location);
    await runningJob(store({ ...location, migrate: false }), "a");
  });

  test.each([
    { schema: 'a"b' },
    { schema: "" },
    { schema: "1a" },
    { schema: "a.b" },
    { tablePrefix: "a-" },
    { schema: "x".repeat(40), tablePrefix: "y".repeat(9) },
  ])("given an invalid location, throws invalid-option: %o", async (location) => {
    expect(() => postgresMigration(location)).toThrow(/schema|tablePrefix/);
    expect(await codeOf(migratePostgres(pool, location))).toBe("invalid-option");
    expect(() => store(location)).toThrow(/schema|tablePrefix/);
  });

  test("given a pool that can't spare a connection, or no pool, throws", () => {
    const single = new pg.Pool({ connectionString: url, max: 1 });
    expect(() => postgresStore({ pool: single })).toThrow("spare a connection");
    expect(() => postgresStore({ pool: { query: single.query.bind(single) } })).toThrow("connect");
    postgresStore({ pool: single, listener: false });
    // From untyped code.
    expect(() => postgresStore({ pool: {} as pg.Pool })).toThrow("a Pool of pg");
  });
});
