import type { ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { poolOf, runningJob } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`postgresStore's reads ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  let pool: pg.Pool;
  let store: ProgressStore;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });
  beforeEach(async () => {
    await pool?.end();
    pool = poolOf(await server.newDatabase());
    store = postgresStore({ pool, listener: false, maxLogLines: 5 });
  });

  /** The number of scans of fields and lines that a read of job `a` after a cursor makes. */
  async function scansOf(cursor: readonly (string | undefined)[]): Promise<number> {
    const client = await pool.connect();
    const count = async (): Promise<number> => {
      const { rows } = await client.query(
        `select sum(seq_scan + coalesce(idx_scan, 0))::int as scans from pg_stat_xact_user_tables
        where relname in ('fields', 'lines')`,
      );
      return rows[0]?.scans;
    };
    try {
      await client.query("begin");
      const before = await count();
      await client.query("select progress.read_job('a', $1, $2::bigint, 5)", [...cursor]);
      return (await count()) - before;
    } finally {
      await client.query("rollback");
      client.release();
    }
  }

  test("given a read that finds nothing new, looks at no field and no line of a job with 20,000 fields", async () => {
    await runningJob(store, "a");
    const names = Array.from({ length: 20_000 }, (_, by) => `metadata.m${by}`);
    const log = [{ at: 1, level: "info", text: "one" }] as const;
    const set = Object.fromEntries(names.map((name) => [name, name]));
    const { cursor } = await store.write("a", { set, log });
    const [epoch, version] = cursor.split(".");
    expect(await scansOf([epoch, version])).toBe(0);
    expect(await scansOf([epoch, "1"])).toBeGreaterThan(0);
    expect(await store.read("a", cursor)).toMatchObject({ cursor, set: {}, log: [] });
  });

  test("given lines that were lost, keeps the newest lines and not the newest numbers", async () => {
    await runningJob(store, "a");
    const lines = (count: number) =>
      Array.from({ length: count }, () => ({ at: 1, level: "info", text: "x" }) as const);
    await store.write("a", { set: {}, log: lines(4) });
    await store.write("a", { set: {}, log: lines(1), lostLines: 100 });
    expect((await store.read("a"))?.log.map(({ n }) => n)).toEqual([1, 2, 3, 4, 105]);
    await store.write("a", { set: {}, log: lines(2), lostLines: 10 });
    expect((await store.read("a"))?.log.map(({ n }) => n)).toEqual([3, 4, 105, 116, 117]);
    const { rows } = await pool.query("select count(*)::int as count from progress.lines");
    expect(rows).toEqual([{ count: 5 }]);
  });
});
