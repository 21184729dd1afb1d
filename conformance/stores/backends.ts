import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../servers/postgres.js";
import { startRedis } from "../servers/redis.js";
import type { StorePlace } from "./open-store.js";

/** A real database, with the way in. */
export interface Backend {
  readonly place: StorePlace;
  stop(): Promise<void>;
}

/** One whose server is a process, and can be away for a while; its data survive that. */
export interface ServedBackend extends Backend {
  /** Takes the server away. */
  halt(): Promise<void>;
  /** Brings it back, at the same address. */
  resume(): Promise<void>;
}

/** Whose data are gone when it was away, unless they persist. */
export async function redis(persistent: boolean): Promise<ServedBackend> {
  const server = await startRedis({ persistent });
  return {
    place: { kind: "redis", url: server.url },
    halt: () => server.stop(),
    resume: () => server.start(),
    stop: () => server.stop(),
  };
}

async function postgres(): Promise<ServedBackend> {
  const server = await startPostgres();
  return {
    place: { kind: "postgres", url: server.url },
    halt: () => server.stop(),
    resume: () => server.start(),
    stop: () => server.stop(),
  };
}

async function sqlite(): Promise<Backend> {
  const folder = await mkdtemp(join(tmpdir(), "progress-sqlite-"));
  return {
    place: { kind: "sqlite", file: join(folder, "jobs.db") },
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Those with a server. */
export const SERVED_BACKENDS: readonly { name: string; start(): Promise<ServedBackend> }[] = [
  { name: "redis", start: () => redis(true) },
  { name: "postgres", start: postgres },
];

/** Every store that several processes can share. */
export const BACKENDS: readonly { name: string; start(): Promise<Backend> }[] = [
  { name: "sqlite", start: sqlite },
  ...SERVED_BACKENDS,
];
