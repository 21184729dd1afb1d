import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import {
  type MakeStore,
  type StoreCapabilities,
  storeSuite,
} from "@emlinh/progress-server/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { type PostgresSpaces, postgresSpaces } from "./postgres-spaces.js";
import { storeProperty } from "./store-property.js";

let server: PostgresServer;
let pool: pg.Pool;
let spaces: PostgresSpaces;

describe.skipIf(POSTGRES_MISSING)(`postgresStore ${POSTGRES_MISSING ?? ""}`, () => {
  beforeAll(async () => {
    server = await startPostgres({ settings: ["max_connections=300"] });
    pool = new pg.Pool({ connectionString: server.url, max: 30 });
    // A connection may still be open when the server stops.
    pool.on("error", () => {});
    spaces = postgresSpaces(pool, "suite");
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
      const schema = await spaces.schemaOf(space);
      return postgresStore({ pool, listener, pollMs, schema, ...options });
    };
    const capabilities: StoreCapabilities = {
      shared: true,
      durable: true,
      tombstones: true,
      clock: "backend",
      emptyBackend: (space) => spaces.empty(space),
    };

    storeSuite(test, makeStore, capabilities);

    // Not by polling only: a job that is created and removed between two polls wakes no watch.
    test.skipIf(listener === false)(
      "given random calls, answers each as a naive model does",
      async () => {
        await storeProperty(makeStore, capabilities);
      },
    );
  });
});
