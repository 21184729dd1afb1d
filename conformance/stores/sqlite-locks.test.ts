import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { isProgressError, type ProgressStore } from "@emlinh/progress-server";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "./sqlite-drivers.js";

const QUEUED = { kind: "video", status: "queued", attempt: 1 };

/** A store on a file, and another connection, which can lock the file as another process would. */
function sharedFile(busyTimeoutMs?: number) {
  const file = join(temporaryFolder(), "jobs.db");
  const [database, other] = [new Database(file), new Database(file)];
  other.exec("PRAGMA journal_mode = WAL");
  const open = (): ProgressStore => {
    const store = sqliteStore({ database, busyTimeoutMs });
    onTestFinished(() => store.close());
    return store;
  };
  onTestFinished(() => {
    for (const each of [database, other]) each.close();
  });
  return { open, other };
}

/** Lets the event loop turn for 100 ms, during which the store retries. Returns the number of turns. */
async function turnEventLoop(): Promise<number> {
  const since = performance.now();
  let turns = 0;
  while (performance.now() - since < 100) {
    await turn();
    turns += 1;
  }
  return turns;
}

describe("sqliteStore on a locked file", () => {
  test("given another transaction, writes wait in order, and neither reads nor the event loop wait", async () => {
    const { open, other } = sharedFile();
    const store = open();
    await store.create({ id: "a", set: QUEUED });
    other.exec("BEGIN IMMEDIATE");
    const done: string[] = [];
    const writes = ["one", "two", "three"].map((message) =>
      store.write("a", { set: { message }, log: [] }).then(() => done.push(message)),
    );
    expect(await turnEventLoop()).toBeGreaterThan(20);
    expect(done).toEqual([]);
    expect((await store.read("a"))?.set.message).toBeUndefined();
    other.exec("COMMIT");
    await Promise.all(writes);
    expect(done).toEqual(["one", "two", "three"]);
    const { cursor, set } = (await store.read("a")) ?? expect.fail("The job is missing.");
    expect([cursor.split(".")[1], set.message]).toEqual(["4", "three"]);
  });

  test("given a lock longer than busyTimeoutMs, throws store-unavailable as retryable and writes nothing", async () => {
    const { open, other } = sharedFile(50);
    const store = open();
    const { cursor } = await store.create({ id: "a", set: QUEUED });
    const lease = { set: {}, log: [], leaseMs: 1 };
    await store.write("a", lease);
    other.exec("BEGIN IMMEDIATE");
    const calls = [
      store.write("a", { set: { message: "one" }, log: [] }),
      store.create({ id: "b", set: QUEUED }),
      store.sweep(Date.now() + 60_000, 10),
    ];
    for (const call of calls) {
      const error = await call.then(
        () => expect.fail("The call resolved."),
        (reason: unknown) => reason,
      );
      expect(isProgressError(error, "store-unavailable") && error.retryable).toBe(true);
    }
    other.exec("COMMIT");
    expect((await store.read("a"))?.cursor).toBe(cursor);
    expect(await store.read("b")).toBeUndefined();
    await store.write("a", { set: { message: "two" }, log: [] });
    expect((await store.read("a"))?.set.message).toBe("two");
  });

  test("given a new file that is locked, sqliteStore() returns, and the first calls wait", async () => {
    const { open, other } = sharedFile();
    other.exec("BEGIN IMMEDIATE");
    other.exec("CREATE TABLE theirs (x)");
    const store = open();
    const created = store.create({ id: "a", set: QUEUED });
    const watched = store.watch({ jobId: "a" }, () => {});
    const read = store.read("a");
    await turnEventLoop();
    other.exec("COMMIT");
    expect((await created).created).toBe(true);
    expect(["undefined", "object"]).toContain(typeof (await read));
    await (await watched)();
  });

  test("given a close while a write waits, completes the write", async () => {
    const { open, other } = sharedFile();
    const store = open();
    await store.create({ id: "a", set: QUEUED });
    other.exec("BEGIN IMMEDIATE");
    const write = store.write("a", { set: { message: "one" }, log: [] });
    const closed = store.close();
    await turnEventLoop();
    other.exec("COMMIT");
    const { cursor } = await write;
    await closed;
    const kept = other.prepare("SELECT version FROM progress_jobs").get();
    expect(kept).toMatchObject({ version: Number(cursor.split(".")[1]) });
  });
});

describe("sqliteStore on a database that refuses", () => {
  test("given a call that the database refuses, stores the other calls of its transaction", async () => {
    const { open, other } = sharedFile();
    const store = open();
    await store.create({ id: "a", set: QUEUED });
    other.exec(
      `CREATE TRIGGER refuse BEFORE INSERT ON progress_fields WHEN new.name = 'metadata.bad'
       BEGIN SELECT raise(ABORT, 'no'); END`,
    );
    const outcomes = await Promise.allSettled([
      store.write("a", { set: { "metadata.one": 1 }, log: [] }),
      store.write("a", { set: { "metadata.half": 1, "metadata.bad": 1 }, log: [] }),
      store.write("a", { set: { "metadata.two": 2 }, log: [] }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const refused = outcomes[1];
    expect(
      refused?.status === "rejected" && isProgressError(refused.reason, "store-unavailable"),
    ).toBe(true);
    const { cursor, set } = (await store.read("a")) ?? expect.fail("The job is missing.");
    expect(cursor.split(".")[1]).toBe("3");
    expect(Object.keys(set).filter((field) => field.startsWith("metadata."))).toEqual([
      "metadata.one",
      "metadata.two",
    ]);
  });

  test("given a connection that may not write, throws store-unavailable and names the remedy", async () => {
    const database = new Database(join(temporaryFolder(), "jobs.db"));
    onTestFinished(() => void database.close());
    const store = sqliteStore({ database });
    await store.create({ id: "a", set: QUEUED });
    database.exec("PRAGMA query_only = on");
    const error = await store
      .write("a", { set: { percent: 1 }, log: [] })
      .catch((reason: unknown) => reason);
    expect(isProgressError(error, "store-unavailable") && error.retryable).toBe(true);
    expect(String(error)).toContain("read-only");
    expect((await store.read("a"))?.set.status).toBe("queued");
  });

  test("given a full disk, throws store-unavailable, and works again once there is space", async () => {
    const file = join(temporaryFolder(), "jobs.db");
    const database = new Database(file);
    onTestFinished(() => void database.close());
    const store = sqliteStore({ database });
    await store.create({ id: "a", set: QUEUED });
    const { page_count: pages } = database.prepare("PRAGMA page_count").get() as {
      page_count: number;
    };
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const big = { set: { "metadata.big": "x".repeat(100_000) }, log: [] };
    const error = await store.write("a", big).catch((reason: unknown) => reason);
    expect(isProgressError(error, "store-unavailable") && error.retryable).toBe(true);
    expect(String(error)).toContain("Make space");
    expect((await store.read("a"))?.cursor.split(".")[1]).toBe("1");
    database.exec("PRAGMA max_page_count = 100000");
    expect((await store.write("a", big)).cursor.split(".")[1]).toBe("2");
    await store.close();
  });
});
