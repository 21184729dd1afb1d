import type { ProgressError, ProgressStore } from "@emlinh/progress-server";
import {
  type PostgresListener,
  type PostgresStoreOptions,
  postgresStore,
} from "@emlinh/progress-server/stores/postgres";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { listeners, poolOf, runningJob, setMessage, until, waker } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`postgresStore's listening ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  let pool: pg.Pool;
  let stores: ProgressStore[];
  /** The statements that were sent, by all stores. */
  let statements: string[];

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    pool = poolOf(await server.newDatabase());
    stores = [];
    statements = [];
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await pool.end();
  });

  function open(options: Partial<PostgresStoreOptions> = {}): ProgressStore {
    const counted = {
      query(text: string, values?: (string | null)[]) {
        statements.push(text);
        return pool.query(text, values);
      },
      connect: () => pool.connect(),
    };
    const store = postgresStore({ pool: counted, pollMs: 60_000, ...options });
    stores.push(store);
    return store;
  }

  /** A process that watches a job and hears. */
  async function hearing(jobId: string) {
    const watcher = open();
    const watching = waker();
    await watcher.watch(jobId, watching.wake);
    await until("it hears", () => watching.told.length > 0);
    return { ...watching, watcher };
  }

  test("given a thousand watches, listens on one connection, wakes just who watches, and gives it back", async () => {
    const [writer, watcher] = [open({ listener: false }), open()];
    await runningJob(writer, "job-999");
    const told: string[] = [];
    const unwatches = [];
    for (let by = 0; by < 1_000; by += 1)
      unwatches.push(await watcher.watch(`job-${by}`, () => told.push(`job-${by}`)));
    await until("it listens, and all were woken for that", () => told.length === 1_000);
    expect(await listeners(pool)).toHaveLength(1);
    await setMessage(writer, "job-999", "one");
    await until("the write is heard", () => told.length > 1_000);
    expect(told.slice(1_000)).toEqual(["job-999"]);
    await Promise.all(unwatches.map((unwatch) => unwatch()));
    expect(await listeners(pool)).toHaveLength(1);
    await watcher.close();
    await until("it listens no more", async () => (await listeners(pool)).length === 0);
  });

  test("given no watch, takes no connection", async () => {
    const store = open();
    await runningJob(store, "a");
    await store.read("a");
    expect(await listeners(pool)).toEqual([]);
  });

  test("given a write, sends one statement, and hints of many in few", async () => {
    const writer = open({ listener: false });
    const { told } = await hearing("a");
    await runningJob(writer, "a");
    await until("the creation is heard", () => told.length > 1);
    statements.length = 0;
    await Promise.all(Array.from({ length: 200 }, (_, by) => setMessage(writer, "a", `${by}`)));
    await until("the last write is heard", () => told.includes(201));
    const writes = statements.filter((text) => text.includes("write_job"));
    expect(writes).toHaveLength(200);
    // One at once, and one in each 5 ms at most; whatever else there is, is theirs.
    expect(statements.length - writes.length).toBeLessThan(40);
  });

  test("given a write of its own, wakes once, and sooner than any hint", async () => {
    const { told, watcher } = await hearing("a");
    await runningJob(watcher, "a");
    expect(told).toEqual([undefined, undefined]);
    await setMessage(watcher, "a", "one");
    expect(told).toEqual([undefined, undefined, 2]);
    // What another writes later is heard later: so the own hint has come by then, and woke nobody.
    await setMessage(open({ listener: false }), "a", "two");
    await until("the other's write is heard", () => told.includes(3));
    expect(told).toEqual([undefined, undefined, 2, 3]);
  });

  test("given renewals alone, sends no hint", async () => {
    const writer = open({ listener: false });
    await runningJob(writer, "a");
    await until("the creation is told", () => statements.some((text) => text.includes("notify")));
    statements.length = 0;
    for (let by = 0; by < 10; by += 1)
      await writer.write("a", { set: {}, log: [], leaseMs: 1_000 });
    await writer.close();
    expect(statements.filter((text) => text.includes("notify"))).toEqual([]);
  });

  test("given a job that another process removes, wakes its watches, without a version", async () => {
    const writer = open({ listener: false });
    await runningJob(writer, "a");
    const { told, past, watcher } = await hearing("a");
    const seen = told.length;
    expect(await writer.remove("a")).toBe(true);
    expect(await writer.remove("a")).toBe(false);
    await past(seen);
    expect(told.at(-1)).toBeUndefined();
    await expect(watcher.read("a")).rejects.toThrow("was removed");
  });

  test("given hundreds of jobs with long ids at once, wakes for each", async () => {
    const writer = open({ listener: false });
    const watcher = open();
    const ids = Array.from({ length: 300 }, (_, by) => `${by}`.padStart(128, "x"));
    const told = new Map<string, number[]>();
    for (const id of ids) {
      told.set(id, []);
      await watcher.watch(id, (version) => told.get(id)?.push(version ?? 0));
    }
    await until("it hears", () => ids.every((id) => told.get(id)?.length === 1));
    for (const id of ids) await runningJob(writer, id);
    await Promise.all(ids.map((id) => setMessage(writer, id, "one")));
    await until("each is heard", () => ids.every((id) => told.get(id)?.includes(2)));
  });

  test("given a write in flight at the close, it is answered, and others hear of it", async () => {
    const writer = open({ listener: false });
    await runningJob(writer, "a");
    const { told } = await hearing("a");
    const write = setMessage(writer, "a", "last");
    await writer.close();
    await write;
    await until("the write is heard", () => told.includes(2));
  });

  test("given a listener that is told nothing, says so once, and looks often instead", async () => {
    const errors: ProgressError[] = [];
    const deaf: PostgresListener = {
      async listen(_channel, _hear, changed) {
        changed();
        return { unlisten: async () => {} };
      },
    };
    const writer = open({ listener: false });
    await runningJob(writer, "a");
    const onError = (error: ProgressError): void => void errors.push(error);
    const { wake, told, past } = waker();
    await open({ listener: deaf, pollMs: 5, onError }).watch("a", wake);
    // Once as it begins to listen, once as it looks for the first time.
    await past(1);
    for (let version = 2; version < 10; version += 1) {
      await setMessage(writer, "a", `${version}`);
      await until("the write is found", () => told.includes(version));
    }
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain("pooler");
  });

  test("given a listener that can't begin, tells it, and the next watch tries again", async () => {
    const errors: ProgressError[] = [];
    let tries = 0;
    const broken: PostgresListener = {
      async listen(_channel, _hear, changed) {
        tries += 1;
        if (tries === 1) throw new Error("no listener today");
        changed();
        return { unlisten: async () => {} };
      },
    };
    const watcher = open({ listener: broken, onError: (error) => void errors.push(error) });
    const { wake, past } = waker();
    await watcher.watch("a", wake);
    await until("it is told", () => errors.length === 1);
    await watcher.watch("b", () => {});
    await past(0);
    expect([tries, errors.length]).toEqual([2, 1]);
  });

  test("given an onError that throws, goes on", async () => {
    const broken: PostgresListener = { listen: () => Promise.reject(new Error("no listener")) };
    let calls = 0;
    const watcher = open({
      listener: broken,
      pollMs: 5,
      onError() {
        calls += 1;
        throw new Error("from onError");
      },
    });
    const { wake, past } = waker();
    await watcher.watch("a", wake);
    await until("it was called", () => calls > 0);
    await past(0);
  });

  test("given a closed store, leaves the pool as it was", async () => {
    const before = pool.listenerCount("error");
    const store = postgresStore({ pool });
    await runningJob(store, "a");
    await store.watch("a", () => {});
    await until("it listens", async () => (await listeners(pool)).length === 1);
    await store.close();
    expect(pool.listenerCount("error")).toBe(before);
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });
});
