import type { ProgressError } from "@emlinh/progress-server";
import {
  type PostgresListener,
  type PostgresPool,
  pgListener,
  postgresStore,
} from "@emlinh/progress-server/stores/postgres";
import { type MakeStore, storeSuite } from "@emlinh/progress-server/testing";
import pg from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PGBOUNCER_MISSING, type PgBouncer, startPgBouncer } from "../servers/pgbouncer.js";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { until } from "./await-helpers.js";
import { poolOf, runningJob, setMessage, wakeRecorder } from "./postgres-kit.js";
import { type PostgresSpaces, postgresSpaces } from "./postgres-spaces.js";

let server: PostgresServer;

describe.skipIf(POSTGRES_MISSING)(
  `postgresStore's other connections ${POSTGRES_MISSING ?? ""}`,
  () => {
    beforeAll(async () => {
      server = await startPostgres({ settings: ["max_connections=300"] });
    });
    afterAll(() => server?.stop());

    describe.skipIf(PGBOUNCER_MISSING)(
      `through PgBouncer in transaction mode ${PGBOUNCER_MISSING ?? ""}`,
      throughPgBouncer,
    );
    describe("with the postgres package", withPostgresJs);
  },
);

const CAPABILITIES = {
  shared: true,
  durable: true,
  tombstones: true,
  clock: "backend",
} as const;

interface Connections {
  readonly pool: PostgresPool;
  readonly listener: PostgresListener | false;
  readonly pollMs: number;
}

/** Runs the store suite. @param connect - Returns the connections of one store. */
function suiteWith(prefix: string, connect: () => Connections): void {
  let spaces: PostgresSpaces;
  beforeAll(() => {
    spaces = postgresSpaces(connect().pool, prefix);
  });
  const makeStore: MakeStore = async ({ space, clock: _, ...options }) => {
    const schema = await spaces.schemaOf(space);
    return postgresStore({ ...connect(), schema, ...options });
  };
  storeSuite(test, makeStore, CAPABILITIES);
}

function throughPgBouncer(): void {
  let bouncer: PgBouncer;
  let pool: pg.Pool;
  beforeAll(async () => {
    bouncer = await startPgBouncer(server.port);
    pool = poolOf(bouncer.urlOf("postgres"), { max: 30 });
  });
  afterAll(async () => {
    // Before the pool, which waits for connections that a failed test has not released.
    await bouncer?.stop();
    await pool?.end();
  });

  describe("by polling only", () => {
    suiteWith("polling", () => ({ pool, listener: false, pollMs: 20 }));
  });

  describe("with a listener that connects directly", () => {
    suiteWith("direct", () => ({ pool, listener: direct(server.url), pollMs: 60_000 }));
  });

  test("given a listener that goes through PgBouncer too, every write wakes the watch", async () => {
    const errors: ProgressError[] = [];
    const onError = (error: ProgressError): void => void errors.push(error);
    const shared = { pool, schema: "pooled", pollMs: 20 };
    const writer = postgresStore({ ...shared, listener: false });
    const watcher = postgresStore({ ...shared, onError });
    await runningJob(writer, "a");
    const { wake, wakes, moreThan } = wakeRecorder();
    await watcher.watch({ jobId: "a" }, wake);
    await moreThan(1);
    for (let version = 2; version < 8; version += 1) {
      const seen = wakes.length;
      await setMessage(writer, "a", `${version}`);
      // A wake without a version counts too: the first poll and the start of the listener cause one.
      await until("the write wakes the watch", () =>
        wakes.slice(seen).some((each) => each === undefined || each >= version),
      );
    }
    // The listener may receive something by chance, so it may not be reported as interrupted.
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
    suiteWith("postgresjs", () => ({ pool, listener: sql, pollMs: 60_000 }));
  });

  test("given a server that restarts, the listener listens again and wakes the watchers", async () => {
    const own = await startPostgres();
    const other = postgres(own.url, { max: 4, onnotice: () => {}, backoff: () => 0.05 });
    const store = postgresStore({
      pool: { query: async (text, values) => ({ rows: await other.unsafe(text, values) }) },
      listener: other,
      pollMs: 60_000,
    });
    await runningJob(store, "a");
    const { wake, wakes, moreThan } = wakeRecorder();
    await store.watch({ jobId: "a" }, wake);
    await moreThan(0);
    await own.stop();
    const seen = wakes.length;
    await own.start();
    await moreThan(seen);
    await store.close();
    await other.end();
    await own.stop();
  });
}
