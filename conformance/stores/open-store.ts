import type { ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import { redisStore } from "@emlinh/progress-server/stores/redis";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import pg from "pg";
import { createClient } from "redis";

/** Where the data of a store are. One process passes it to another as JSON. */
export type StoreAddress =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "redis"; readonly url: string }
  | { readonly kind: "postgres"; readonly url: string };

/**
 * The earlier name of {@link StoreAddress}, until the benchmarks use the new one.
 */
export type StorePlace = StoreAddress;

/** A store with its own database client, as a process of an app has it. */
export interface OpenedStore {
  readonly store: ProgressStore;
  /** Closes the store and its client. */
  close(): Promise<void>;
}

/** Opens a store as an app would. Connection errors are ignored here, because the calls report them too. */
export async function openStore(address: StoreAddress): Promise<OpenedStore> {
  switch (address.kind) {
    case "sqlite": {
      const database = new Database(address.file);
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
        url: address.url,
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
      const pool = new pg.Pool({ connectionString: address.url });
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
