import type { ProgressError } from "@emlinh/progress-server";
import {
  migratePostgres,
  type PostgresListener,
  type PostgresPool,
  pgListener,
  postgresStore,
} from "@emlinh/progress-server/stores/postgres";
import { type SuiteStoreOptions, storeSuite } from "@emlinh/progress-server/testing";
import pg from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PGBOUNCER_MISSING, type PgBouncer, startPgBouncer } from "../servers/pgbouncer.js";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { poolOf, runningJob, setMessage, until, waker } from "./postgres-kit.js";

let server: PostgresServer;

describe.skipIf(POSTGRES_MISSING)(`postgresStore's other ways in ${POSTGRES_MISSING ?? ""}`, () => {
  beforeAll(async () => {
    server = await startPostgres({ settings: ["max_connections=300"] });
  });
  afterAll(() => server?.stop());

  describe.skipIf(PGBOUNCER_MISSING)(
    `through PgBouncer in transaction mode ${PGBOUNCER_MISSING ?? ""}`,
    throughPgBouncer,
  );
  describe("with the postgres package", withPostgresJs);
});

const CAPABILITIES = {
  shared: true,
  durable: true,
  tombstones: true,
  clock: "backend",
} as const;

/** A store over the schema of a test. */
async function storeIn(
  { space, clock: _, ...options }: SuiteStoreOptions,
  how: { pool: PostgresPool; listener: PostgresListener | false; pollMs: number },
) {
  await migratePostgres(how.pool, { schema: space });
  return postgresStore({ ...how, schema: space, ...options });
}

function throughPgBouncer(): void {
  let bouncer: PgBouncer;
  let pool: pg.Pool;
  beforeAll(async () => {
    bouncer = await startPgBouncer(server.port);
    pool = poolOf(bouncer.urlOf("postgres"), { max: 30 });
  });
  afterAll(async () => {
    // First: a pool waits for those of its connections that a failed test has kept.
    await bouncer?.stop();
    await pool?.end();
  });

  describe("by looking alone", () => {
    storeSuite(
      test,
      (options) => storeIn(options, { pool, listener: false, pollMs: 20 }),
      CAPABILITIES,
    );
  });

  describe("with a listener that goes past it", () => {
    storeSuite(
      test,
      (options) => storeIn(options, { pool, listener: direct(server.url), pollMs: 60_000 }),
      CAPABILITIES,
    );
  });

  test("given a listener that goes through it too, sees every write all the same", async () => {
    const errors: ProgressError[] = [];
    const onError = (error: ProgressError): void => void errors.push(error);
    const place = { pool, schema: "deaf", pollMs: 20 };
    const writer = postgresStore({ ...place, listener: false });
    const watcher = postgresStore({ ...place, onError });
    await runningJob(writer, "a");
    const { wake, told, past } = waker();
    await watcher.watch("a", wake);
    await past(1);
    for (let version = 2; version < 8; version += 1) {
      const seen = told.length;
      await setMessage(writer, "a", `${version}`);
      // A wake without a version is as good: the first look, and the listener's beginning, give one.
      await until("the write is heard, or found", () =>
        told.slice(seen).some((each) => each === undefined || each >= version),
      );
    }
    // Whether something is heard by chance is PgBouncer's to say.
    expect(errors.length).toBeLessThan(2);
    await Promise.all([writer.close(), watcher.close()]);
  });
}

function direct(url: string): PostgresListener {
  return pgListener(() => new pg.Client({ connectionString: url }));
}

function withPostgresJs(): void {
  let sql: postgres.Sql;
  let pool: PostgresPool;
  beforeAll(() => {
    sql = postgres(server.url, { max: 20, onnotice: () => {} });
    pool = { query: async (text, values) => ({ rows: await sql.unsafe(text, values) }) };
  });
  afterAll(() => sql?.end());

  describe("listening", () => {
    storeSuite(
      test,
      (options) => storeIn(options, { pool, listener: sql, pollMs: 60_000 }),
      CAPABILITIES,
    );
  });

  test("given a server that was restarted, its listener hears again, and wakes", async () => {
    const own = await startPostgres();
    const other = postgres(own.url, { max: 4, onnotice: () => {}, backoff: () => 0.05 });
    const store = postgresStore({
      pool: { query: async (text, values) => ({ rows: await other.unsafe(text, values) }) },
      listener: other,
      pollMs: 60_000,
    });
    await runningJob(store, "a");
    const { wake, told, past } = waker();
    await store.watch("a", wake);
    await past(0);
    await own.stop();
    const seen = told.length;
    await own.start();
    await past(seen);
    await store.close();
    await other.end();
    await own.stop();
  });
}
