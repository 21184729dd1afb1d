import { join } from "node:path";
import { isProgressError, type ProgressError } from "@emlinh/progress-server";
import {
  type SqliteDatabase,
  type SqliteStoreOptions,
  sqliteStore,
} from "@emlinh/progress-server/stores/sqlite";
import Libsql from "libsql";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "./sqlite-drivers.js";

const QUEUED = { kind: "video", status: "queued", attempt: 1 };

function openFile(file = join(temporaryFolder(), "jobs.db")): Libsql.Database {
  const database = new Libsql(file);
  onTestFinished(() => void database.close());
  return database;
}

function openStore(database: SqliteDatabase, options: Partial<SqliteStoreOptions> = {}) {
  const store = sqliteStore({ database, ...options });
  onTestFinished(() => store.close());
  return store;
}

function rowsIn(database: SqliteDatabase, table: string): number {
  const row = database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number };
  return row.n;
}

describe("sqliteStore's tables", () => {
  test("given a file with other tables, does not change them", async () => {
    const database = openFile();
    database.exec("PRAGMA user_version = 7; CREATE TABLE jobs (x); INSERT INTO jobs VALUES (1)");
    await openStore(database).create({ id: "a", set: QUEUED });
    expect(database.prepare("PRAGMA user_version").get()).toMatchObject({ user_version: 7 });
    expect(rowsIn(database, "jobs")).toBe(1);
    const made = database.prepare("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'");
    const names = (made.all() as { name: string }[]).map(({ name }) => name);
    expect(names.filter((name) => !name.startsWith("progress_"))).toEqual(["jobs"]);
  });

  test("given two prefixes in one file, keeps the jobs apart", async () => {
    const database = openFile();
    const [one, two] = ["one_", "two_"].map((tablePrefix) => openStore(database, { tablePrefix }));
    await one?.create({ id: "a", key: "k", set: QUEUED });
    expect(await two?.read("a")).toBeUndefined();
    expect(await two?.create({ id: "b", key: "k", set: QUEUED })).toMatchObject({ created: true });
  });

  test("given tables of a newer layout, throws invalid-option", async () => {
    const database = openFile();
    await openStore(database).close();
    database.exec("UPDATE progress_meta SET value = 99 WHERE name = 'schema'");
    try {
      sqliteStore({ database });
      expect.fail("sqliteStore() returned.");
    } catch (error) {
      expect(isProgressError(error, "invalid-option")).toBe(true);
      expect(String(error)).toContain("99");
    }
  });

  test.each<[string, Partial<Record<keyof SqliteStoreOptions, unknown>>]>([
    ["database", { database: undefined }],
    ["database", { database: "jobs.db" }],
    ["tablePrefix", { tablePrefix: "1_" }],
    ["tablePrefix", { tablePrefix: "a; DROP TABLE jobs" }],
    ["pollMs", { pollMs: 0 }],
    ["busyTimeoutMs", { busyTimeoutMs: -1 }],
    ["tombstoneTtlMs", { tombstoneTtlMs: Number.NaN }],
    ["synchronous", { synchronous: "off" }],
    ["ttlMs", { ttlMs: 0 }],
    ["maxLogLines", { maxLogLines: 0 }],
  ])("given an invalid %s, throws invalid-option: %o", (name, options) => {
    try {
      sqliteStore({ database: openFile(), ...options } as SqliteStoreOptions);
      expect.fail("sqliteStore() returned.");
    } catch (error) {
      expect(isProgressError(error, "invalid-option")).toBe(true);
      expect(String(error)).toContain(name);
    }
  });

  test("given a driver with promises, throws invalid-option", () => {
    const statement = { run: async () => {}, get: async () => ({}), all: async () => [] };
    const database = { exec: async () => {}, prepare: () => statement };
    expect(() => sqliteStore({ database })).toThrow("node:sqlite");
  });

  test("given a database that is closed, throws store-unavailable", () => {
    const database = new Libsql(join(temporaryFolder(), "jobs.db"));
    database.close();
    try {
      sqliteStore({ database });
      expect.fail("sqliteStore() returned.");
    } catch (error) {
      expect(isProgressError(error, "store-unavailable")).toBe(true);
    }
  });

  test("given a database that returns numbers as bigint, works the same", async () => {
    const database = openFile();
    database.defaultSafeIntegers(true);
    const store = openStore(database, { clock: () => 1_700_000_000_000 });
    await store.create({ id: "a", set: QUEUED, deadlineMs: 10 });
    await store.write("a", { set: { percent: 1.5 }, log: [{ at: 1, level: "info", text: "x" }] });
    const { cursor, set, log } = (await store.read("a")) ?? expect.fail("The job is missing.");
    expect([cursor.split(".")[1], set.percent, log[0]?.n]).toEqual(["2", 1.5, 1]);
    await store.write("a", { set: { "steps.s": { status: "running" } }, log: [] });
    expect(await store.sweep(1_700_000_000_010, 10)).toMatchObject({ timedOut: 1 });
    const ended = await store.read("a");
    expect(ended?.set["steps.s"]).toEqual({ status: "failed", finishedAt: 1_700_000_000_010 });
    expect([ended?.done, (await store.read("a", ended?.cursor))?.done]).toEqual([true, true]);
    expect(await store.remove("a")).toBe(true);
  });

  test("given a database in memory, works", async () => {
    const database = openFile(":memory:");
    const store = openStore(database);
    await store.create({ id: "a", set: QUEUED });
    expect((await store.read("a"))?.set.status).toBe("queued");
  });

  test("given many lines, keeps few more in the file than it returns", async () => {
    const database = openFile();
    const store = openStore(database, { maxLogLines: 5 });
    await store.create({ id: "a", set: QUEUED });
    for (let n = 1; n <= 200; n += 1)
      await store.write("a", { set: {}, log: [{ at: n, level: "info", text: `${n}` }] });
    expect(rowsIn(database, "progress_lines")).toBeLessThanOrEqual(5 + 32);
    expect((await store.read("a"))?.log.map(({ n }) => n)).toEqual([196, 197, 198, 199, 200]);
  });

  test("given lines that were lost, keeps the newest lines and not the newest numbers", async () => {
    const database = openFile();
    const store = openStore(database, { maxLogLines: 5 });
    await store.create({ id: "a", set: QUEUED });
    const line = { at: 1, level: "info", text: "x" } as const;
    for (let by = 1; by <= 100; by += 1)
      await store.write("a", { set: {}, log: [line], lostLines: by % 2 === 0 ? 10 : 0 });
    expect((await store.read("a"))?.log.map(({ n }) => n)).toEqual([576, 577, 588, 589, 600]);
    expect(rowsIn(database, "progress_lines")).toBeLessThanOrEqual(5 + 32);
  });

  test("given removed jobs, keeps only their ids, and forgets those after tombstoneTtlMs", async () => {
    const database = openFile();
    const times = { ttlMs: 1_000, tombstoneTtlMs: 5_000 };
    const store = openStore(database, { ...times, clock: () => 1_000_000 });
    const ids = Array.from({ length: 120 }, (_, by) => `job-${by}`);
    for (const id of ids) {
      await store.create({ id, key: id, set: QUEUED });
      const line = { at: 1, level: "info" as const, text: "x" };
      await store.write(id, { set: { status: "completed" }, log: [line] });
    }
    expect(await store.sweep(1_001_000, 1_000)).toMatchObject({ expired: 120, more: false });
    expect(["fields", "lines", "jobs"].map((name) => rowsIn(database, `progress_${name}`))).toEqual(
      [0, 0, 120],
    );
    await expect(store.read("job-7")).rejects.toThrow("removed");
    await store.sweep(1_005_999, 1_000);
    expect(rowsIn(database, "progress_jobs")).toBe(120);
    while (rowsIn(database, "progress_jobs") > 0) await store.sweep(1_006_000, 1_000);
    expect(await store.read("job-7")).toBeUndefined();
  });

  test("given jobs of a process with a shorter TTL, a sweep keeps them for its own store's TTL", async () => {
    const database = openFile();
    const clock = (): number => 1_000_000;
    const short = openStore(database, { ttlMs: 10, clock });
    await short.create({ id: "a", set: QUEUED });
    await short.write("a", { set: { status: "completed" }, log: [] });
    const long = openStore(database, { ttlMs: 1_000, clock });
    expect(await long.sweep(1_000_010, 10)).toMatchObject({ expired: 0, more: false });
    expect(await long.sweep(1_001_000, 10)).toMatchObject({ expired: 1, more: false });
  });
});

describe("sqliteStore.remove()", () => {
  test("given a job, leaves only its id in the tables, and forgets that after tombstoneTtlMs", async () => {
    const database = openFile();
    const store = openStore(database, { tombstoneTtlMs: 5_000, clock: () => 1_000_000 });
    await store.create({ id: "a", key: "k", set: QUEUED });
    const line = { at: 1, level: "info" as const, text: "x" };
    await store.write("a", { set: { "steps.s": { status: "running" } }, log: [line], leaseMs: 10 });
    expect(await store.remove("a")).toBe(true);
    expect(["fields", "lines", "jobs"].map((name) => rowsIn(database, `progress_${name}`))).toEqual(
      [0, 0, 1],
    );
    expect(database.prepare("SELECT key, due_at FROM progress_jobs").get()).toMatchObject({
      key: null,
      due_at: null,
    });
    await store.sweep(1_004_999, 10);
    expect(rowsIn(database, "progress_jobs")).toBe(1);
    await store.sweep(1_005_000, 10);
    expect(rowsIn(database, "progress_jobs")).toBe(0);
  });
});

describe("sqliteStore's change poller", () => {
  test("given a job that was removed and created again between two polls, wakes without a version", async () => {
    const file = join(temporaryFolder(), "jobs.db");
    const clock = (): number => 1_000_000;
    const [mine, theirs] = [1, 2].map(() => openStore(openFile(file), { ttlMs: 1, clock }));
    await theirs?.create({ id: "a", set: QUEUED });
    await theirs?.write("a", { set: { status: "completed" }, log: [] });
    const wakes: (number | undefined)[] = [];
    const woken = new Promise<void>((resolve) => {
      void mine?.watch({ jobId: "a" }, (version) => {
        wakes.push(version);
        resolve();
      });
    });
    // All in one turn of the event loop, so that no poll comes between.
    await theirs?.sweep(1_000_001, 10);
    await theirs?.create({ id: "a", set: QUEUED });
    await theirs?.write("a", { set: { percent: 1 }, log: [] });
    await woken;
    expect(wakes[0]).toBeUndefined();
  });

  test("given polls that fail, calls onError once, and wakes every watcher when they work again", async () => {
    const database = openFile();
    const errors: ProgressError[] = [];
    let reportError = (): void => {};
    const reported = new Promise<void>((resolve) => {
      reportError = resolve;
    });
    const store = openStore(database, {
      onError(error) {
        errors.push(error);
        reportError();
      },
    });
    await store.create({ id: "a", set: QUEUED });
    const woken = new Promise<number | undefined>(
      (resolve) => void store.watch({ jobId: "a" }, resolve),
    );
    database.exec("ALTER TABLE progress_meta RENAME TO elsewhere");
    await reported;
    database.exec("ALTER TABLE elsewhere RENAME TO progress_meta");
    expect(await woken).toBeUndefined();
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test("given pollMs false, wakes for its own writes", async () => {
    const store = openStore(openFile(), { pollMs: false });
    await store.create({ id: "a", set: QUEUED });
    const woken = new Promise<number | undefined>(
      (resolve) => void store.watch({ jobId: "a" }, resolve),
    );
    await store.write("a", { set: { percent: 1 }, log: [] });
    expect(await woken).toBe(2);
  });

  test("given two stores on one connection, each wakes for the other's writes", async () => {
    const database = openFile();
    const [one, two] = [openStore(database), openStore(database)];
    await one.create({ id: "a", set: QUEUED });
    let wake = (_version?: number): void => {};
    const woken = new Promise<number | undefined>((resolve) => {
      wake = resolve;
    });
    await two.watch({ jobId: "a" }, (version) => wake(version));
    await one.write("a", { set: { percent: 1 }, log: [] });
    expect(await woken).toBe(2);
  });
});
