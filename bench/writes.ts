// What a write costs, beside the same work by hand: as latency, one after the other, and as writes a second, many at once.

import { type Change, memoryStore, type ProgressStore } from "@emlinh/progress-server";
import Database from "libsql";
import pg from "pg";
import { createClient } from "redis";
import { openStore, type StorePlace } from "../conformance/stores/open-store.js";
import { median, printTable, round } from "./lib/figures.js";
import { onEach } from "./lib/places.js";

const ROUNDS = 15;
const WRITES = 200;
const AT_ONCE = 64;

type Write = (jobId: string, by: number) => Promise<unknown>;

interface Contender {
  readonly name: string;
  readonly write: Write;
  /** In the order of {@link ROUNDS}. */
  readonly latenciesMs: number[];
  readonly perSecond: number[];
}

function contender(name: string, write: Write): Contender {
  return { name, write, latenciesMs: [], perSecond: [] };
}

function stepAt(by: number) {
  return {
    status: "running",
    percent: by % 100,
    done: by,
    total: 10_000,
    unit: "frames",
    startedAt: 1_700_000_000_000,
  };
}

function changeAt(by: number): Change {
  return { set: { "steps.render": stepAt(by) }, log: [], attempt: 1, leaseMs: 15_000 };
}

const JOBS = Array.from({ length: AT_ONCE }, (_, by) => `job-${by}`);

async function oneAfterTheOther(write: Write): Promise<number> {
  const samples: number[] = [];
  for (let by = 0; by < WRITES; by += 1) {
    const begun = performance.now();
    await write("job-0", by);
    samples.push(performance.now() - begun);
  }
  return median(samples);
}

async function manyAtOnce(write: Write): Promise<number> {
  const begun = performance.now();
  await Promise.all(
    JOBS.map(async (jobId) => {
      for (let by = 0; by < WRITES / 4; by += 1) await write(jobId, by);
    }),
  );
  return ((JOBS.length * WRITES) / 4 / (performance.now() - begun)) * 1_000;
}

/** Turn by turn, so that what else the machine does hits all alike. */
async function compete(contenders: readonly Contender[]): Promise<void> {
  for (const { write } of contenders) await oneAfterTheOther(write);
  for (let by = 0; by < ROUNDS; by += 1) {
    for (const { write, latenciesMs, perSecond } of contenders) {
      latenciesMs.push(await oneAfterTheOther(write));
      perSecond.push(await manyAtOnce(write));
    }
  }
}

async function ours(store: ProgressStore): Promise<Write> {
  for (const id of JOBS)
    await store.create({ id, set: { kind: "video", status: "running", attempt: 1 } });
  return (jobId, by) => store.write(jobId, changeAt(by));
}

async function byHand(
  place: StorePlace,
): Promise<{ name: string; write: Write; close(): Promise<void> }> {
  switch (place.kind) {
    case "redis": {
      const client = await createClient({ url: place.url }).connect();
      return {
        name: "HSET + PUBLISH, sent together",
        // Both go out at once: one round trip, as well as it can be done by hand.
        write: (jobId, by) =>
          Promise.all([
            client.hSet(`hand:${jobId}`, {
              "steps.render": JSON.stringify(stepAt(by)),
              updatedAt: Date.now(),
              version: by,
            }),
            client.publish(`hand:${jobId}`, `${by}`),
          ]),
        close: async () => client.destroy(),
      };
    }
    case "postgres": {
      const pool = new pg.Pool({ connectionString: place.url });
      // The server may be gone before the last connection is.
      pool.on("error", () => {});
      await pool.query(
        "CREATE TABLE hand (id text PRIMARY KEY, version bigint NOT NULL, state jsonb NOT NULL)",
      );
      for (const id of JOBS) await pool.query("INSERT INTO hand VALUES ($1, 0, '{}')", [id]);
      const text =
        "WITH done AS (UPDATE hand SET version = version + 1, state = state || $2 WHERE id = $1 RETURNING id) SELECT pg_notify('hand', id) FROM done";
      return {
        name: "UPDATE + NOTIFY, in one statement",
        write: (jobId, by) =>
          pool.query(text, [jobId, JSON.stringify({ "steps.render": stepAt(by) })]),
        close: () => pool.end(),
      };
    }
    case "sqlite": {
      const database = new Database(place.file);
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
        write: async (jobId, by) =>
          update.run(JSON.stringify({ "steps.render": stepAt(by) }), jobId),
        close: async () => void database.close(),
      };
    }
  }
}

function rowOf({ name, latenciesMs, perSecond }: Contender, peer?: Contender): readonly string[] {
  const [latency, rate] = [median(latenciesMs), median(perSecond)];
  // Ratios of the same round, so that a slow moment counts for neither.
  const ratio = (mine: readonly number[], theirs: readonly number[] | undefined) =>
    theirs === undefined
      ? ""
      : `${median(mine.map((value, by) => value / (theirs[by] ?? Number.NaN))).toFixed(2)} ×`;
  return [
    name,
    `${round(latency * 1_000, 0)} µs`,
    ratio(latenciesMs, peer?.latenciesMs),
    round(rate),
    ratio(perSecond, peer?.perSecond),
  ];
}

const rows = await onEach(async (name, place) => {
  const { store, close } = await openStore(place);
  const hand = await byHand(place);
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
  ["", "latency", "to the peer", `writes/s, ${AT_ONCE} at once`, "to the peer"],
  [rowOf(memory), ...rows.flat()],
);
