import type { ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import { redisStore } from "@emlinh/progress-server/stores/redis";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import pg from "pg";
import { createClient } from "redis";

/** Where a store's data are, told from process to process. */
export type StorePlace =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "redis"; readonly url: string }
  | { readonly kind: "postgres"; readonly url: string };

/** A store with a client of its own, as one process has it. */
export interface OpenedStore {
  readonly store: ProgressStore;
  /** Closes both. */
  close(): Promise<void>;
}

/** Opens a store as an app would. What its connections say while the server is away is told by the calls, too. */
export async function openStore(place: StorePlace): Promise<OpenedStore> {
  switch (place.kind) {
    case "sqlite": {
      const database = new Database(place.file);
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
        url: place.url,
        socket: { reconnectStrategy: 50 },
        // A call fails at once while the server is away, in place of waiting for it: who calls knows what to do.
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
      const pool = new pg.Pool({ connectionString: place.url });
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
