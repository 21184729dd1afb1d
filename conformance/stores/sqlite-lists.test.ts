import { join } from "node:path";
import { type SqliteStoreOptions, sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Libsql from "libsql";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { temporaryFolder } from "./sqlite-drivers.js";

const QUEUED = { kind: "video", status: "queued", attempt: 1 };
const SUBJECT = "user:42";

/** The tables of the layout 1. */
const LAYOUT_1 = `
  CREATE TABLE progress_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO progress_meta (name, value) VALUES ('schema', 1), ('transactions', 7);
  CREATE TABLE progress_jobs (
    job INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT UNIQUE,
    epoch TEXT NOT NULL, version INTEGER NOT NULL, lines INTEGER NOT NULL, lost_lines INTEGER NOT NULL,
    status TEXT, attempt INTEGER, hold_token TEXT, hold_count INTEGER, hold_since INTEGER,
    stale INTEGER NOT NULL, lease_until INTEGER, lease_ms INTEGER NOT NULL, deadline_at INTEGER,
    written_at INTEGER NOT NULL, ended_at INTEGER, removed_at INTEGER, due_at INTEGER,
    created_in INTEGER NOT NULL, changed_in INTEGER NOT NULL
  );
  CREATE INDEX progress_jobs_changed ON progress_jobs (changed_in);
  CREATE TABLE progress_fields (
    job INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (job, name)
  ) WITHOUT ROWID;
  CREATE TABLE progress_lines (
    job INTEGER NOT NULL, version INTEGER NOT NULL, ordinal INTEGER NOT NULL, last_n INTEGER NOT NULL,
    lines TEXT NOT NULL,
    PRIMARY KEY (job, version)
  ) WITHOUT ROWID;
  INSERT INTO progress_jobs VALUES
    (1, 'old', '"k"', 'abc', 1, 0, 0, 'queued', 1, NULL, NULL, NULL,
      0, NULL, 0, NULL, 1000, NULL, NULL, NULL, 7, 7);
  INSERT INTO progress_fields VALUES (1, 'status', 1, '"queued"');
`;

/** The statements by which code of the layout 1 removes the job `b`. */
const REMOVAL_1 = `
  UPDATE progress_meta SET value = value + 1 WHERE name = 'transactions';
  UPDATE progress_jobs SET key = NULL, due_at = NULL, removed_at = 1,
    changed_in = (SELECT value FROM progress_meta WHERE name = 'transactions') WHERE id = 'b'`;

/** Adds jobs of a subject, as fast as SQL can. */
function addJobs(database: Libsql.Database, subject: string, count: number): void {
  database.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO progress_jobs
      (id, epoch, version, lines, lost_lines, stale, lease_ms, written_at, created_in, changed_in)
      SELECT '${subject}-' || i, 'abc', 1, 0, 0, 0, 0, 1000, 1, 1 FROM n;
    INSERT INTO progress_listed (subject, job)
      SELECT '${subject}', job FROM progress_jobs WHERE id LIKE '${subject}-%';
  `);
}

function openFile(file = join(temporaryFolder(), "jobs.db")): Libsql.Database {
  const database = new Libsql(file);
  onTestFinished(() => void database.close());
  return database;
}

function openStore(database: Libsql.Database, options: Partial<SqliteStoreOptions> = {}) {
  const store = sqliteStore({ database, ...options });
  onTestFinished(() => store.close());
  return store;
}

function rowsIn(database: Libsql.Database, table: string): number {
  const row = database.prepare(`SELECT count(*) AS n FROM progress_${table}`).get();
  return (row as { n: number }).n;
}

/** The plans of the statements that a store prepares and that match, one line per step. */
function plansOf(database: Libsql.Database, matching: RegExp): string[] {
  const prepared: string[] = [];
  const recording = {
    exec: (sql: string) => database.exec(sql),
    prepare(sql: string) {
      prepared.push(sql);
      return database.prepare(sql);
    },
  };
  onTestFinished(() => sqliteStore({ database: recording }).close());
  sqliteStore({ database: recording });
  const chosen = prepared.filter((sql) => matching.test(sql));
  return chosen.flatMap((sql) => {
    const values = Array.from(sql.matchAll(/\?/g), () => 1);
    const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
    return (steps as { detail: string }[]).map(({ detail }) => detail);
  });
}

describe("sqliteStore's migration", () => {
  test("given tables of the layout 1, keeps their jobs, which are in no list", async () => {
    const database = openFile();
    database.exec(LAYOUT_1);
    const store = openStore(database);
    expect(await store.read("old")).toMatchObject({ cursor: "abc.1", set: { status: "queued" } });
    expect(await store.list(SUBJECT, { limit: 1 })).toEqual({ jobs: [], next: undefined });
    await store.write("old", { set: { percent: 1 }, log: [] });
    const known = await store.create({ id: "new", key: "k", set: QUEUED, subjects: [SUBJECT] });
    expect(known).toMatchObject({ jobId: "old", created: false });
    await store.create({ id: "new", set: QUEUED, subjects: [SUBJECT] });
    expect((await store.list(SUBJECT, { limit: 9 })).jobs).toEqual(["new"]);
    await store.learn("video", { render: 1000 });
    expect(await store.expectations("video")).toMatchObject({ render: { count: 1 } });
    expect(await store.remove("old")).toBe(true);
  });

  test("given two stores that open such a file, both work, and a third one changes nothing", async () => {
    const file = join(temporaryFolder(), "jobs.db");
    const database = openFile(file);
    database.exec(LAYOUT_1);
    const [one, two] = [openStore(openFile(file)), openStore(openFile(file))];
    await one.create({ id: "a", set: QUEUED, subjects: [SUBJECT] });
    await two.create({ id: "b", set: QUEUED, subjects: [SUBJECT] });
    const third = openStore(openFile(file));
    expect((await third.list(SUBJECT, { limit: 9 })).jobs).toEqual(["b", "a"]);
    const schema = database.prepare("SELECT value FROM progress_meta WHERE name = 'schema'").get();
    expect(schema).toMatchObject({ value: 2 });
  });

  test("given a process with the code of layout 1 that removes a job, lists it no more and wakes", async () => {
    const database = openFile();
    database.exec(LAYOUT_1);
    const store = openStore(database);
    for (const id of ["a", "b"]) await store.create({ id, set: QUEUED, subjects: [SUBJECT] });
    const woken = vi.fn();
    await store.watch({ subject: SUBJECT }, woken);
    database.exec(REMOVAL_1);
    expect((await store.list(SUBJECT, { limit: 9 })).jobs).toEqual(["a"]);
    await expect.poll(() => woken).toHaveBeenCalled();
    expect(rowsIn(database, "listed")).toBe(1);
  });

  test("given a job that such a process removed and forgot, lists no new job in its place", async () => {
    const database = openFile();
    database.exec(LAYOUT_1);
    const store = openStore(database);
    for (const id of ["a", "b"]) await store.create({ id, set: QUEUED, subjects: [SUBJECT] });
    database.exec(`${REMOVAL_1}; DELETE FROM progress_jobs WHERE id = 'b'`);
    await store.create({ id: "c", set: QUEUED, subjects: ["other"] });
    expect((await store.list(SUBJECT, { limit: 9 })).jobs).toEqual(["a"]);
  });
});

describe("sqliteStore.list()", () => {
  test("given its statements, each finds its rows by an index and sorts none", () => {
    const database = openFile();
    openStore(database);
    const plans = plansOf(
      database,
      /FROM progress_(listed|list_changes|expectations)|progress_listed/,
    );
    expect(plans.length).toBeGreaterThan(6);
    expect(plans.filter((step) => /TEMP B-TREE/.test(step))).toEqual([]);
    // A scan is right where all kinds are ordered by their calls; it follows the index.
    const scans = plans.filter((step) => /^SCAN/.test(step));
    expect(scans.filter((step) => !/INDEX progress_expectations_call/.test(step))).toEqual([]);
    expect(plans).toContain("SEARCH l USING INDEX progress_listed_subject (subject=? AND place<?)");
  });

  test("given 100,000 jobs of a subject, has each on one page, and those of a small one", async () => {
    const database = openFile();
    const store = openStore(database);
    addJobs(database, "many", 100_000);
    addJobs(database, "few", 100);
    const seen = new Set<string>();
    let count = 0;
    for (
      let before: string | undefined, first = true;
      first || before !== undefined;
      first = false
    ) {
      const { jobs, next } = await store.list("many", { limit: 100, before });
      for (const id of jobs) seen.add(id);
      count += jobs.length;
      before = next;
    }
    expect([seen.size, count]).toEqual([100_000, 100_000]);
    expect(await store.list("few", { limit: 100 })).toMatchObject({ next: undefined });
  });

  test("given a removed job, leaves nothing of its lists in the tables", async () => {
    const database = openFile();
    const store = openStore(database);
    await store.create({ id: "a", set: QUEUED, subjects: ["one", "two", "three"] });
    expect(rowsIn(database, "listed")).toBe(3);
    await store.remove("a");
    expect(rowsIn(database, "listed")).toBe(0);
  });

  test("given a position before jobs that were all forgotten, lists no later job at it", async () => {
    let now = 1_000;
    const store = openStore(openFile(), { clock: () => now, tombstoneTtlMs: 1 });
    for (const id of ["a", "b"]) await store.create({ id, set: QUEUED, subjects: [SUBJECT] });
    const { next } = await store.list(SUBJECT, { limit: 1 });
    for (const id of ["a", "b"]) await store.remove(id);
    now += 10;
    await store.sweep(now, 10);
    await store.create({ id: "c", set: QUEUED, subjects: [SUBJECT] });
    expect(await store.list(SUBJECT, { limit: 9, before: next })).toMatchObject({ jobs: [] });
    expect((await store.list(SUBJECT, { limit: 9 })).jobs).toEqual(["c"]);
  });

  test("given a clock that is set back, keeps the order of creation", async () => {
    let now = 2_000_000;
    const store = openStore(openFile(), { clock: () => now });
    for (const id of ["a", "b", "c"]) {
      await store.create({ id, set: QUEUED, subjects: [SUBJECT] });
      now -= 60_000;
    }
    expect((await store.list(SUBJECT, { limit: 9 })).jobs).toEqual(["c", "b", "a"]);
  });

  test("given more transactions than a poller reads, forgets the changes of lists before them", async () => {
    const database = openFile();
    const store = openStore(database);
    await store.create({ id: "a", set: QUEUED, subjects: [SUBJECT] });
    await store.create({ id: "b", set: QUEUED, subjects: [SUBJECT, "other"] });
    expect(rowsIn(database, "list_changes")).toBe(3);
    database.exec("UPDATE progress_meta SET value = value + 9999 WHERE name = 'transactions'");
    await store.create({ id: "c", set: QUEUED, subjects: [SUBJECT] });
    expect(rowsIn(database, "list_changes")).toBe(1);
  });
});

describe("sqliteStore.learn()", () => {
  test("given more than a thousand kinds, forgets those that were learned least recently", async () => {
    const database = openFile();
    const store = openStore(database);
    const kinds = Array.from({ length: 1_000 }, (_, by) => `kind-${by}`);
    await Promise.all(kinds.map((kind) => store.learn(kind, { render: 1000 })));
    await store.learn("kind-0", { render: 1000 });
    await store.learn("new", { render: 1000 });
    expect(rowsIn(database, "expectations")).toBe(1_000);
    expect(await store.expectations("kind-1")).toEqual({});
    expect(await store.expectations("kind-0")).toMatchObject({ render: { count: 2 } });
    expect(await store.expectations("new")).toMatchObject({ render: { count: 1 } });
  });

  test("given more than a thousand steps of a kind, forgets those that were learned least recently", async () => {
    const store = openStore(openFile());
    const steps = Array.from({ length: 1_000 }, (_, by) => [String(by), 1000] as const);
    await store.learn("video", Object.fromEntries(steps));
    await store.learn("video", { "0": 1000 });
    await store.learn("video", { new: 1000 });
    const known = await store.expectations("video");
    expect(Object.keys(known)).toHaveLength(1_000);
    expect([known["0"]?.count, known["1"], known.new?.count]).toEqual([2, undefined, 1]);
  });
});
