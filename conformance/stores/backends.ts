import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../servers/postgres.js";
import { startRedis } from "../servers/redis.js";
import type { StoreAddress } from "./open-store.js";

/** A real database and how to connect to it. */
export interface Backend {
  readonly address: StoreAddress;
  stop(): Promise<void>;
}

/**
 * A backend whose server is a process that can be stopped and started again. Its data survive that, unless stated
 * otherwise.
 */
export interface ServedBackend extends Backend {
  /** Stops the server. */
  halt(): Promise<void>;
  /** Starts the server again, at the same address. */
  resume(): Promise<void>;
}

/** Starts a Redis server. Unless `persistent`, it loses its data when it is stopped. */
export async function redis(persistent: boolean): Promise<ServedBackend> {
  const server = await startRedis({ persistent });
  return {
    address: { kind: "redis", url: server.url },
    halt: () => server.stop(),
    resume: () => server.start(),
    stop: () => server.stop(),
  };
}

async function postgres(): Promise<ServedBackend> {
  const server = await startPostgres();
  return {
    address: { kind: "postgres", url: server.url },
    halt: () => server.stop(),
    resume: () => server.start(),
    stop: () => server.stop(),
  };
}

async function sqlite(): Promise<Backend> {
  const folder = await mkdtemp(join(tmpdir(), "progress-sqlite-"));
  return {
    address: { kind: "sqlite", file: join(folder, "jobs.db") },
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The backends with a server. */
export const SERVED_BACKENDS: readonly { name: string; start(): Promise<ServedBackend> }[] = [
  { name: "redis", start: () => redis(true) },
  { name: "postgres", start: postgres },
];

/** Every backend that several processes can share. */
export const BACKENDS: readonly { name: string; start(): Promise<Backend> }[] = [
  { name: "sqlite", start: sqlite },
  ...SERVED_BACKENDS,
];
