import type { ProgressStore, Wake } from "@emlinh/progress-server";
import pg from "pg";
import { until } from "./await-helpers.js";

/** A pool of `pg`. It ignores errors of idle connections when the server stops, because the next calls fail too. */
export function poolOf(url: string, config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, ...config });
  pool.on("error", () => {});
  return pool;
}

/** Creates a running job. */
export async function runningJob(
  store: ProgressStore,
  id: string,
  subjects?: readonly string[],
): Promise<void> {
  await store.create({ id, set: { kind: "video", status: "running", attempt: 1 }, subjects });
}

/** The newest jobs of a subject. */
export async function listedIds(store: ProgressStore, subject: string): Promise<readonly string[]> {
  return (await store.list(subject, { limit: 100 })).jobs;
}

/** Writes one field. Resolves with the cursor of the write. */
export async function setMessage(
  store: ProgressStore,
  id: string,
  message: string,
): Promise<string> {
  return (await store.write(id, { set: { message }, log: [] })).cursor;
}

/** Records the wakes of a watch. */
export function wakeRecorder(): {
  readonly wake: Wake;
  /** The version of each wake. */
  readonly wakes: (number | undefined)[];
  /** Resolves once there are more wakes than that. */
  moreThan(count: number): Promise<void>;
} {
  const wakes: (number | undefined)[] = [];
  return {
    wakes,
    wake: (version) => void wakes.push(version),
    moreThan: (count) => until(`more than ${count} wakes`, () => wakes.length > count),
  };
}

/** The process ids of the database sessions that listen. */
export async function listeningPids(pool: pg.Pool): Promise<readonly number[]> {
  const { rows } = await pool.query(
    "select pid from pg_stat_activity where query ilike 'listen %' and datname = current_database()",
  );
  return rows.map(({ pid }) => Number(pid));
}
