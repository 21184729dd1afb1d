import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../../conformance/servers/postgres.js";
import { startRedis } from "../../conformance/servers/redis.js";
import type { StorePlace } from "../../conformance/stores/open-store.js";

/** A backend for the time of one benchmark. */
export interface Place {
  readonly place: StorePlace;
  stop(): Promise<void>;
}

/** A fresh backend of each sort, set up as it comes: with its own defaults for what it writes to disk. */
export const PLACES = {
  async sqlite(): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), "bench-sqlite-"));
    const stop = () => rm(folder, { recursive: true, force: true });
    return { place: { kind: "sqlite", file: join(folder, "jobs.db") }, stop };
  },
  async redis(): Promise<Place> {
    const server = await startRedis();
    return { place: { kind: "redis", url: server.url }, stop: () => server.stop() };
  },
  async postgres(): Promise<Place> {
    const server = await startPostgres({ durable: true });
    return { place: { kind: "postgres", url: server.url }, stop: () => server.stop() };
  },
} as const;

/** Runs with each backend in turn. */
export async function onEach<Result>(
  run: (name: keyof typeof PLACES, place: StorePlace) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const name of Object.keys(PLACES) as (keyof typeof PLACES)[]) {
    const { place, stop } = await PLACES[name]();
    try {
      results.push(await run(name, place));
    } finally {
      await stop();
    }
  }
  return results;
}
