import type { ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import { redisStore } from "@emlinh/progress-server/stores/redis";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import pg from "pg";
import { createClient } from "redis";

/** Where the data of a store are. One process passes it to another as JSON. */
export type StoreLocation =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "redis"; readonly url: string }
  | { readonly kind: "postgres"; readonly url: string };

/**
 * The earlier name of {@link StoreLocation}, until the benchmarks use the new one.
 */
export type StorePlace = StoreLocation;

/** A store with its own database client, as a process of an app has it. */
export interface OpenedStore {
  readonly store: ProgressStore;
  /** Closes the store and its client. */
  close(): Promise<void>;
}

/** Opens a store as an app would. Connection errors are ignored here, because the calls report them too. */
export async function openStore(location: StoreLocation): Promise<OpenedStore> {
  switch (location.kind) {
    case "sqlite": {
      const database = new Database(location.file);
      const store = sqliteStore({ database });
      return {
        store,
        async close() {
          await store.close();
          database.close();
        },
      };
    }
    case "redis": {
      const client = createClient({
        url: location.url,
        socket: { reconnectStrategy: 50 },
        // While the server is away a call fails at once instead of waiting for it. The caller retries.
        disableOfflineQueue: true,
      });
      client.on("error", () => {});
      await client.connect();
      const store = redisStore({ client });
      return {
        store,
        async close() {
          await store.close();
          client.destroy();
        },
      };
    }
    case "postgres": {
      const pool = new pg.Pool({ connectionString: location.url });
      pool.on("error", () => {});
      const store = postgresStore({ pool });
      return {
        store,
        async close() {
          await store.close();
          await pool.end();
        },
      };
    }
  }
}
