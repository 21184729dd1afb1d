import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../../conformance/servers/postgres.js";
import { startRedis } from "../../conformance/servers/redis.js";
import type { StorePlace } from "../../conformance/stores/open-store.js";

/** A database that runs during one benchmark. */
export interface Backend {
  /** Its address, which other processes can be given. */
  readonly address: StorePlace;
  stop(): Promise<void>;
}

/** Starts an empty backend of each kind. What it writes to disk follows the backend's own defaults. */
export const BACKENDS = {
  async sqlite(): Promise<Backend> {
    const folder = await mkdtemp(join(tmpdir(), "bench-sqlite-"));
    const stop = () => rm(folder, { recursive: true, force: true });
    return { address: { kind: "sqlite", file: join(folder, "jobs.db") }, stop };
  },
  async redis(): Promise<Backend> {
    const server = await startRedis();
    return { address: { kind: "redis", url: server.url }, stop: () => server.stop() };
  },
  async postgres(): Promise<Backend> {
    const server = await startPostgres({ durable: true });
    return { address: { kind: "postgres", url: server.url }, stop: () => server.stop() };
  },
} as const;

/** The name of a kind of backend. */
export type BackendName = keyof typeof BACKENDS;

/** Calls `run` with one backend of each kind, one after the other. */
export async function withEachBackend<Result>(
  run: (name: BackendName, address: StorePlace) => Promise<Result>,
  names: readonly BackendName[] = Object.keys(BACKENDS) as BackendName[],
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const name of names) {
    const { address, stop } = await BACKENDS[name]();
    try {
      results.push(await run(name, address));
    } finally {
      await stop();
    }
  }
  return results;
}
