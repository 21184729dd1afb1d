// The size of a stored job: a plan of six steps, all reported, some metadata and twenty log lines, after a hundred
// updates.
import { statSync } from "node:fs";
import { type Json, memoryStore, type ProgressStore } from "@emlinh/progress-server";
import Database from "libsql";
import pg from "pg";
import { createClient } from "redis";
import { openStore, type StorePlace } from "../conformance/stores/open-store.js";
import { withEachBackend } from "./lib/backends.js";
import { printTable, round } from "./lib/figures.js";
import { openForWrites } from "./lib/open-for-writes.js";

const JOBS = 1_000;
const UPDATES = 100;

const PLAN = ["script", "speech", "mouth", "render", "encode", "finish"].map((id) => ({
  id,
  title: id,
  weight: 1,
}));

async function makeJob(store: ProgressStore, index: number): Promise<void> {
  const id = `job-${index}`;
  await store.create({
    id,
    set: {
      kind: "video",
      status: "running",
      attempt: 1,
      plan: PLAN,
      "metadata.topic": "Why the sky is blue",
    },
  });
  const write = await openForWrites(store, id);
  for (let update = 0; update < UPDATES; update += 1) {
    const step: Json = {
      status: "running",
      percent: update,
      done: update,
      total: UPDATES,
      unit: "frames",
      startedAt: 1_700_000_000_000,
    };
    const log =
      update % 5 === 0
        ? [
            {
              at: 1_700_000_000_000,
              level: "info" as const,
              text: `scene ${update} of the video was rendered`,
            },
          ]
        : [];
    await write({
      set: { [`steps.${PLAN[update % 6]?.id}`]: step },
      log,
      leaseMs: 15_000,
    });
  }
}

async function fill(store: ProgressStore): Promise<void> {
  // Fifty at a time, because one at a time would take minutes of round trips.
  for (let from = 0; from < JOBS; from += 50)
    await Promise.all(Array.from({ length: 50 }, (_, index) => makeJob(store, from + index)));
}

async function bytesIn(address: StorePlace): Promise<number> {
  switch (address.kind) {
    case "redis": {
      const client = await createClient({ url: address.url }).connect();
      const info = await client.info("memory");
      client.destroy();
      return Number(/used_memory_dataset:(\d+)/u.exec(info)?.[1]);
    }
    case "postgres": {
      const client = new pg.Client(address.url);
      await client.connect();
      const { rows } = await client.query(
        "SELECT pg_database_size(current_database())::float8 AS bytes",
      );
      await client.end();
      return Number(rows[0]?.bytes);
    }
    case "sqlite": {
      const database = new Database(address.file);
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      database.close();
      return statSync(address.file).size;
    }
  }
}

const rows = await withEachBackend(async (name, address) => {
  const { store, close } = await openStore(address);
  // The first job creates the tables and loads the scripts.
  await makeJob(store, -1);
  const before = await bytesIn(address);
  await fill(store);
  const bytes = ((await bytesIn(address)) - before) / JOBS;
  await close();
  return [name, `${round(bytes / 1_024)} KiB`];
});

const store = memoryStore();
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
await fill(store);
globalThis.gc?.();
const bytes = (process.memoryUsage().heapUsed - before) / JOBS;
await store.close();

printTable(
  `Memory per job (${JOBS} jobs, six steps, ${UPDATES} updates, 20 lines)`,
  ["store", "per job"],
  [["memory", `${round(bytes / 1_024)} KiB`], ...rows],
);
