import type { ProgressError, ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import { redisStore } from "@emlinh/progress-server/stores/redis";
import { Redis } from "ioredis";
import pg from "pg";
import type { Settings } from "./settings.js";

/** The store of the jobs, with its connections. */
export interface OpenStore {
  readonly store: ProgressStore;
  /** Closes the store and its connections. */
  close(): Promise<void>;
}

/** Milliseconds for which a job is kept after its end. */
const TTL_MS = 24 * 3_600_000;

/** Opens the store that the settings name. All other code is the same for both stores. */
export function openStore(settings: Settings, onNotice: (notice: string) => void): OpenStore {
  const onError = ({ message }: ProgressError): void => onNotice(message);
  return settings.databaseUrl === undefined
    ? openRedisStore(settings.redisUrl, onError)
    : openPostgresStore(settings.databaseUrl, onError);
}

type OnError = (error: ProgressError) => void;

function openRedisStore(url: string, onError: OnError): OpenStore {
  // Not BullMQ's connection: its commands wait while Redis is unavailable, but a reporter must know that they failed.
  const client = new Redis(url);
  // The store reports lost connections, and the calls that fail.
  client.on("error", () => {});
  const store = redisStore({ client, ttlMs: TTL_MS, onError });
  return {
    store,
    async close() {
      await store.close();
      client.disconnect();
    },
  };
}

function openPostgresStore(connectionString: string, onError: OnError): OpenStore {
  const pool = new pg.Pool({ connectionString });
  // The pool replaces an idle connection that breaks. Calls that fail report their own errors.
  pool.on("error", () => {});
  const store = postgresStore({ pool, ttlMs: TTL_MS, onError });
  return {
    store,
    async close() {
      await store.close();
      await pool.end();
    },
  };
}
