// The cost of one write, compared with the same work by hand: the latency of one write at a time, and the writes a
// second of many at once.

import { memoryStore, type ProgressStore } from "@emlinh/progress-server";
import Database from "libsql";
import pg from "pg";
import { createClient } from "redis";
import { openStore, type StorePlace } from "../conformance/stores/open-store.js";
import { withEachBackend } from "./lib/backends.js";
import { median, printTable, round } from "./lib/figures.js";
import { type JobWriter, openForWrites, type WorkerChange } from "./lib/open-for-writes.js";

const ROUNDS = 15;
const WRITES = 200;
const AT_ONCE = 64;

type Write = (jobId: string, count: number) => Promise<unknown>;

interface Contender {
  readonly name: string;
  readonly write: Write;
  /** One per round, like the rates. */
  readonly latenciesMs: number[];
  readonly perSecond: number[];
}

function contender(name: string, write: Write): Contender {
  return { name, write, latenciesMs: [], perSecond: [] };
}

function stepAt(count: number) {
  return {
    status: "running",
    percent: count % 100,
    done: count,
    total: 10_000,
    unit: "frames",
    startedAt: 1_700_000_000_000,
  };
}

function changeAt(count: number): WorkerChange {
  return { set: { "steps.render": stepAt(count) }, log: [], leaseMs: 15_000 };
}

const JOBS = Array.from({ length: AT_ONCE }, (_, index) => `job-${index}`);

/** The median latency of writes one after the other, in milliseconds. */
async function latencyOf(write: Write): Promise<number> {
  const samples: number[] = [];
  for (let count = 0; count < WRITES; count += 1) {
    const begun = performance.now();
    await write("job-0", count);
    samples.push(performance.now() - begun);
  }
  return median(samples);
}

/** Writes per second, with {@link AT_ONCE} under way at once. */
async function rateOf(write: Write): Promise<number> {
  const begun = performance.now();
  await Promise.all(
    JOBS.map(async (jobId) => {
      for (let count = 0; count < WRITES / 4; count += 1) await write(jobId, count);
    }),
  );
  return ((JOBS.length * WRITES) / 4 / (performance.now() - begun)) * 1_000;
}

/** Measures all contenders in each round, so that other work of the machine affects them alike. */
async function compete(contenders: readonly Contender[]): Promise<void> {
  for (const { write } of contenders) await latencyOf(write);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { write, latenciesMs, perSecond } of contenders) {
      latenciesMs.push(await latencyOf(write));
      perSecond.push(await rateOf(write));
    }
  }
}

async function ours(store: ProgressStore): Promise<Write> {
  const writers = new Map<string, JobWriter>();
  for (const id of JOBS) {
    await store.create({ id, set: { kind: "video", status: "running", attempt: 1 } });
    writers.set(id, await openForWrites(store, id));
  }
  return async (jobId, count) => writers.get(jobId)?.(changeAt(count));
}

async function byHand(
  address: StorePlace,
): Promise<{ name: string; write: Write; close(): Promise<void> }> {
  switch (address.kind) {
    case "redis": {
      const client = await createClient({ url: address.url }).connect();
      return {
        name: "HSET + PUBLISH, sent together",
        // Both are sent at once, in one round trip: the best that can be done by hand.
        write: (jobId, count) =>
          Promise.all([
            client.hSet(`hand:${jobId}`, {
              "steps.render": JSON.stringify(stepAt(count)),
              updatedAt: Date.now(),
              version: count,
            }),
            client.publish(`hand:${jobId}`, `${count}`),
          ]),
        close: async () => client.destroy(),
      };
    }
    case "postgres": {
      const pool = new pg.Pool({ connectionString: address.url });
      // The server may stop before the last connection is closed.
      pool.on("error", () => {});
      await pool.query(
        "CREATE TABLE hand (id text PRIMARY KEY, version bigint NOT NULL, state jsonb NOT NULL)",
      );
      for (const id of JOBS) await pool.query("INSERT INTO hand VALUES ($1, 0, '{}')", [id]);
      const text = `
        WITH done AS (
          UPDATE hand SET version = version + 1, state = state || $2 WHERE id = $1 RETURNING id
        )
        SELECT pg_notify('hand', id) FROM done`;
      return {
        name: "UPDATE + NOTIFY, in one statement",
        write: (jobId, count) =>
          pool.query(text, [jobId, JSON.stringify({ "steps.render": stepAt(count) })]),
        close: () => pool.end(),
      };
    }
    case "sqlite": {
      const database = new Database(address.file);
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
      database.exec(
        "CREATE TABLE hand (id TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL)",
      );
      for (const id of JOBS) database.prepare("INSERT INTO hand VALUES (?, 0, '{}')").run(id);
      const update = database.prepare(
        "UPDATE hand SET version = version + 1, state = ? WHERE id = ?",
      );
      return {
        name: "UPDATE",
        write: async (jobId, count) =>
          update.run(JSON.stringify({ "steps.render": stepAt(count) }), jobId),
        close: async () => void database.close(),
      };
    }
  }
}

function rowOf({ name, latenciesMs, perSecond }: Contender, peer?: Contender): readonly string[] {
  const [latency, rate] = [median(latenciesMs), median(perSecond)];
  // The ratio is taken within each round, so that a slow round of the machine does not count for either.
  const ratio = (mine: readonly number[], theirs: readonly number[] | undefined) =>
    theirs === undefined
      ? ""
      : `${median(mine.map((value, index) => value / (theirs[index] ?? Number.NaN))).toFixed(2)} ×`;
  return [
    name,
    `${round(latency * 1_000, 0)} µs`,
    ratio(latenciesMs, peer?.latenciesMs),
    round(rate),
    ratio(perSecond, peer?.perSecond),
  ];
}

const rows = await withEachBackend(async (name, address) => {
  const { store, close } = await openStore(address);
  const hand = await byHand(address);
  const mine = contender(`${name} store`, await ours(store));
  const theirs = contender(hand.name, hand.write);
  await compete([mine, theirs]);
  await hand.close();
  await close();
  return [rowOf(theirs), rowOf(mine, theirs)];
});
const memory = contender("memory store", await ours(memoryStore()));
await compete([memory]);

printTable(
  `A write of one step (medians of ${ROUNDS} rounds; ratios within a round)`,
  ["", "latency", "ratio to the peer", `writes/s, ${AT_ONCE} at once`, "ratio to the peer"],
  [rowOf(memory), ...rows.flat()],
);
