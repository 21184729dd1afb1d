import type { ProgressStore, Wake } from "@emlinh/progress-server";
import { isProgressError } from "@emlinh/progress-server";
import pg from "pg";

/** A pool of `pg`'s. What its idle connections say when the server goes is told by the calls, too. */
export function poolOf(url: string, config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, ...config });
  pool.on("error", () => {});
  return pool;
}

/** Creates a running job. */
export async function runningJob(store: ProgressStore, id: string): Promise<void> {
  await store.create({ id, set: { kind: "video", status: "running", attempt: 1 } });
}

/** Writes one field. */
export function setMessage(store: ProgressStore, id: string, message: string): Promise<string> {
  return store.write(id, { set: { message }, log: [] });
}

/** What a promise was rejected with: its code, if it is one of ours; `"none"` if it wasn't. */
export function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "none",
    (error: unknown) => (isProgressError(error) ? error.code : String(error)),
  );
}

/** Looks until it holds. Fails after 10 s. */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`${what}: not so after 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Counts wakes, and waits for them. */
export function waker(): {
  readonly wake: Wake;
  readonly told: (number | undefined)[];
  /** Resolves once there were more than so many. */
  past(seen: number): Promise<void>;
} {
  const told: (number | undefined)[] = [];
  return {
    told,
    wake: (version) => void told.push(version),
    past: (seen) => until(`more than ${seen} wakes`, () => told.length > seen),
  };
}

/** The process ids of the sessions that listen. */
export async function listeners(pool: pg.Pool): Promise<readonly number[]> {
  const { rows } = await pool.query(
    "select pid from pg_stat_activity where query ilike 'listen %' and datname = current_database()",
  );
  return rows.map(({ pid }) => Number(pid));
}
