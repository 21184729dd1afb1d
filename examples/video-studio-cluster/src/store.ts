import type { ProgressError, ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import { redisStore } from "@emlinh/progress-server/stores/redis";
import { Redis } from "ioredis";
import pg from "pg";
import type { Settings } from "./settings.js";

/** The jobs' store, with the connections that it works on. */
export interface OpenStore {
  readonly store: ProgressStore;
  /** Closes both. */
  close(): Promise<void>;
}

/** An address of a finished video may be opened again for so long. */
const TTL_MS = 24 * 3_600_000;

/** Opens the store that the settings name: the only place where it matters which one it is. */
export function openStore(settings: Settings, onNotice: (notice: string) => void): OpenStore {
  const onError = ({ message }: ProgressError): void => onNotice(message);
  return settings.databaseUrl === undefined
    ? openRedisStore(settings.redisUrl, onError)
    : openPostgresStore(settings.databaseUrl, onError);
}

type OnError = (error: ProgressError) => void;

function openRedisStore(url: string, onError: OnError): OpenStore {
  // Not BullMQ's connection: that one holds commands back while Redis is away, and a reporter had better know.
  const client = new Redis(url);
  // The store tells of it, too, and the calls that fail.
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
  // An idle connection that breaks is replaced; the calls that fail tell of themselves.
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
