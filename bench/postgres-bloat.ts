// The effect of 100,000 updates on PostgreSQL without a vacuum: how many were HOT, and how much tables and indexes
// grew.
import { setTimeout as sleep } from "node:timers/promises";
import { migratePostgres, postgresStore } from "@emlinh/progress-server/stores/postgres";
import pg from "pg";
import { type PostgresServer, startPostgres } from "../conformance/servers/postgres.js";
import { printTable, round } from "./lib/figures.js";
import { type JobWriter, openForWrites, type WorkerChange } from "./lib/open-for-writes.js";

const UPDATES = 100_000;
const STEPS = ["script", "voice", "render", "upload"];

interface Contender {
  readonly name: string;
  create(jobId: string): Promise<unknown>;
  update(jobId: string, count: number): Promise<unknown>;
  sweep(): Promise<unknown>;
  close(): Promise<void>;
}

function changeAt(count: number): WorkerChange {
  const step = {
    status: "running",
    percent: count % 100,
    done: count,
    total: UPDATES,
    unit: "frames",
  };
  return {
    set: {
      [`steps.${STEPS[count % STEPS.length]}`]: step,
      message: `Frame ${count} of ${UPDATES}`,
    },
    log:
      count % 100 === 0 ? [{ at: 1_700_000_000_000, level: "info", text: `Scene ${count}` }] : [],
    // Short, so that the sweeps of this benchmark meet leases that were renewed as often as in a day of work.
    leaseMs: 3_000,
  };
}

async function ours(url: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  await migratePostgres(pool);
  const store = postgresStore({ pool });
  const set = { kind: "video", status: "running", attempt: 1, plan: [], "metadata.topic": "Cats" };
  const writers = new Map<string, JobWriter>();
  return {
    name: "postgresStore",
    async create(id) {
      await store.create({ id, set });
      writers.set(id, await openForWrites(store, id));
    },
    update: async (jobId, count) => writers.get(jobId)?.(changeAt(count)),
    sweep: () => store.sweep(undefined, 100),
    async close() {
      await store.close();
      await pool.end();
    },
  };
}

/** A common design: the whole state in one row, and an index to find the rows that were not written to for long. */
async function byHand(url: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  await pool.query(`
    create table hand (
      id text primary key,
      state jsonb not null,
      updated_at timestamptz not null default now()
    );
    create index on hand (updated_at)
  `);
  const text =
    "update hand set state = state || $2::jsonb, updated_at = clock_timestamp() where id = $1";
  return {
    name: "one row with a time index",
    create: (id) => pool.query("insert into hand values ($1, '{}')", [id]),
    update: (jobId, count) => pool.query(text, [jobId, JSON.stringify(changeAt(count).set)]),
    sweep: async () => {},
    close: () => pool.end(),
  };
}

async function work(contender: Contender, jobs: number, measure: () => Promise<number>) {
  const jobIds = Array.from({ length: jobs }, (_, index) => `job-${index}`);
  for (const jobId of jobIds) await contender.create(jobId);
  for (let count = 0; count < 10 * jobs; count += 1)
    await contender.update(jobIds[count % jobs] ?? "", count);
  const before = await measure();
  let next = 0;
  const writers = Array.from({ length: Math.min(8, jobs) }, async () => {
    while (next < UPDATES) {
      const count = next;
      next += 1;
      await contender.update(jobIds[count % jobs] ?? "", count);
    }
  });
  const all = Promise.all(writers);
  while (next < UPDATES) {
    await contender.sweep();
    await Promise.race([all, sleep(1_000)]);
  }
  await all;
  return { before, after: await measure() };
}

async function measured(
  server: PostgresServer,
  make: (url: string) => Promise<Contender>,
  jobs: number,
): Promise<readonly (readonly string[])[]> {
  const url = await server.newDatabase();
  const contender = await make(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const sizeOf = async (): Promise<number> => {
    const { rows } = await client.query(
      "select sum(pg_total_relation_size(relid))::float8 as bytes from pg_stat_user_tables",
    );
    return Number(rows[0]?.bytes);
  };
  const begun = performance.now();
  const { before, after } = await work(contender, jobs, sizeOf);
  const seconds = (performance.now() - begun) / 1_000;
  // PostgreSQL publishes the counts of a session when the session ends.
  await contender.close();
  while (await hasOtherSessions(client)) await sleep(20);
  const { rows } = await client.query(
    `select relname, n_tup_upd::float8 as updates, n_tup_hot_upd::float8 as hot,
            vacuum_count + autovacuum_count as vacuums
     from pg_stat_user_tables where n_tup_upd > 0 order by relname`,
  );
  await client.end();
  const shares = rows.map(
    ({ relname, updates, hot }) =>
      `${relname} ${round((100 * hot) / updates)} % of ${round(updates)}`,
  );
  const vacuums = rows.reduce((sum, row) => sum + Number(row.vacuums), 0);
  return [
    [
      contender.name,
      `${jobs}`,
      shares.join("; "),
      `${round(before / 1_024)} KiB`,
      `${round(after / 1_024)} KiB`,
      `${vacuums}`,
      `${round(UPDATES / seconds)}/s`,
    ],
  ];
}

async function hasOtherSessions(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(
    "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  return rows.length > 0;
}

const server = await startPostgres();
const rows: (readonly string[])[] = [];
for (const jobs of [1, 100])
  for (const make of [ours, byHand]) rows.push(...(await measured(server, make, jobs)));
await server.stop();

printTable(
  `The effect of ${round(UPDATES)} updates on PostgreSQL`,
  ["", "jobs", "HOT updates", "before", "after", "vacuums", "updates"],
  rows,
);
