import { migratePostgres, postgresStore } from "@emlinh/progress-server/stores/postgres";
import {
  type MakeStore,
  type StoreCapabilities,
  storeSuite,
} from "@emlinh/progress-server/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { storeProperty } from "./store-property.js";

let server: PostgresServer;
let pool: pg.Pool;

describe.skipIf(POSTGRES_MISSING)(`postgresStore ${POSTGRES_MISSING ?? ""}`, () => {
  beforeAll(async () => {
    server = await startPostgres({ settings: ["max_connections=300"] });
    pool = new pg.Pool({ connectionString: server.url, max: 30 });
    // A connection may still be open when the server stops.
    pool.on("error", () => {});
  });
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });

  describe.each([
    { how: "listening", listener: undefined, pollMs: 60_000 },
    { how: "by polling only", listener: false, pollMs: 20 },
  ] as const)("$how", ({ listener, pollMs }) => {
    const makeStore: MakeStore = async ({ space, clock: _, ...options }) => {
      await migratePostgres(pool, { schema: space });
      return postgresStore({ pool, listener, pollMs, schema: space, ...options });
    };
    const capabilities: StoreCapabilities = {
      shared: true,
      durable: true,
      tombstones: true,
      clock: "backend",
      emptyBackend: async (space) => {
        const tables = "jobs fields lines listed_jobs list_versions expectations".split(" ");
        await pool.query(`truncate ${tables.map((table) => `"${space}".${table}`).join(", ")}`);
      },
    };

    storeSuite(test, makeStore, capabilities);

    // Not by polling only: a job that is created and removed between two polls wakes no watch.
    test.skipIf(listener === false)(
      "given random calls, answers each as a naive model does",
      async () => {
        // Fewer than by default, because each run creates a schema.
        await storeProperty(makeStore, capabilities, { numRuns: 15 });
      },
    );
  });
});
