import type { ProgressError, ProgressStore } from "@emlinh/progress-server";
import {
  type PostgresListener,
  type PostgresStoreOptions,
  postgresStore,
} from "@emlinh/progress-server/stores/postgres";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { until } from "./await-helpers.js";
import { listeningPids, poolOf, runningJob, setMessage, wakeRecorder } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`postgresStore's watches ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  let pool: pg.Pool;
  let stores: ProgressStore[];
  /** The statements that all stores sent. */
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

  /** A store that watches a job and listens. */
  async function listeningWatcher(jobId: string) {
    const watcher = open();
    const watching = wakeRecorder();
    await watcher.watch({ jobId }, watching.wake);
    await until("the store listens", () => watching.wakes.length > 0);
    return { ...watching, watcher };
  }

  test("given a thousand watches, listens on one connection, and wakes only the watch of the job", async () => {
    const [writer, watcher] = [open({ listener: false }), open()];
    await runningJob(writer, "job-999");
    const woken: string[] = [];
    const unwatches = [];
    for (let by = 0; by < 1_000; by += 1)
      unwatches.push(await watcher.watch({ jobId: `job-${by}` }, () => woken.push(`job-${by}`)));
    await until("the store listens, which wakes all", () => woken.length === 1_000);
    expect(await listeningPids(pool)).toHaveLength(1);
    await setMessage(writer, "job-999", "one");
    await until("the write wakes a watch", () => woken.length > 1_000);
    expect(woken.slice(1_000)).toEqual(["job-999"]);
    await Promise.all(unwatches.map((unwatch) => unwatch()));
    expect(await listeningPids(pool)).toHaveLength(1);
    await watcher.close();
    await until(
      "the store has stopped listening",
      async () => (await listeningPids(pool)).length === 0,
    );
  });

  test("given no watch, takes no connection to listen on", async () => {
    const store = open();
    await runningJob(store, "a");
    await store.read("a");
    expect(await listeningPids(pool)).toEqual([]);
  });

  test("given many writes, sends one statement for each, and few for all of their notifications", async () => {
    const writer = open({ listener: false });
    const { wakes } = await listeningWatcher("a");
    await runningJob(writer, "a");
    await until("the creation wakes the watch", () => wakes.length > 1);
    statements.length = 0;
    await Promise.all(Array.from({ length: 200 }, (_, by) => setMessage(writer, "a", `${by}`)));
    await until("the last write wakes the watch", () => wakes.includes(201));
    const writes = statements.filter((text) => text.includes("write_job"));
    expect(writes).toHaveLength(200);
    // The first notification at once, then at most one statement per 5 ms.
    expect(statements.length - writes.length).toBeLessThan(40);
  });

  test("given a write of the same store, wakes once, before its notification comes", async () => {
    const { wakes, watcher } = await listeningWatcher("a");
    await runningJob(watcher, "a");
    expect(wakes).toEqual([undefined, undefined]);
    await setMessage(watcher, "a", "one");
    expect(wakes).toEqual([undefined, undefined, 2]);
    // Notifications keep their order. So the store's own one has come before that of the other store, and woke nothing.
    await setMessage(open({ listener: false }), "a", "two");
    await until("the write of the other store wakes the watch", () => wakes.includes(3));
    expect(wakes).toEqual([undefined, undefined, 2, 3]);
  });

  test("given lease renewals only, sends no notification", async () => {
    const writer = open({ listener: false });
    await runningJob(writer, "a");
    await until("the creation is notified", () =>
      statements.some((text) => text.includes("notify")),
    );
    statements.length = 0;
    for (let by = 0; by < 10; by += 1)
      await writer.write("a", { set: {}, log: [], leaseMs: 1_000 });
    await writer.close();
    expect(statements.filter((text) => text.includes("notify"))).toEqual([]);
  });

  test("given a job that another process removes, wakes its watches, without a version", async () => {
    const writer = open({ listener: false });
    await runningJob(writer, "a");
    const { wakes, moreThan, watcher } = await listeningWatcher("a");
    const seen = wakes.length;
    expect(await writer.remove("a")).toBe(true);
    expect(await writer.remove("a")).toBe(false);
    await moreThan(seen);
    expect(wakes.at(-1)).toBeUndefined();
    await expect(watcher.read("a")).rejects.toThrow("was removed");
  });

  test("given a job that another process creates or removes, wakes the watches of its lists only", async () => {
    const writer = open({ listener: false });
    const watcher = open();
    const subjects = ["user:42", `batch:${"x".repeat(122)}`];
    const recorders = [...subjects, "user:4", "user:43"].map((subject) => {
      return { subject, ...wakeRecorder() };
    });
    for (const { subject, wake } of recorders) await watcher.watch({ subject }, wake);
    for (const { moreThan } of recorders) await moreThan(0);
    await runningJob(writer, "a", subjects);
    for (const { moreThan } of recorders.slice(0, 2)) await moreThan(1);
    await setMessage(writer, "a", "one");
    await writer.remove("a");
    for (const { moreThan } of recorders.slice(0, 2)) await moreThan(2);
    expect(recorders.map(({ wakes }) => wakes.length)).toEqual([3, 3, 1, 1]);
    expect(recorders.flatMap(({ wakes }) => wakes).every((each) => each === undefined)).toBe(true);
  });

  test("given hundreds of jobs with long ids at the same time, wakes the watch of each", async () => {
    const writer = open({ listener: false });
    const watcher = open();
    const ids = Array.from({ length: 300 }, (_, by) => `${by}`.padStart(128, "x"));
    const wakes = new Map<string, number[]>();
    for (const id of ids) {
      wakes.set(id, []);
      await watcher.watch({ jobId: id }, (version) => wakes.get(id)?.push(version ?? 0));
    }
    await until("the store listens", () => ids.every((id) => wakes.get(id)?.length === 1));
    for (const id of ids) await runningJob(writer, id);
    await Promise.all(ids.map((id) => setMessage(writer, id, "one")));
    await until("each write wakes its watch", () => ids.every((id) => wakes.get(id)?.includes(2)));
  });

  test("given a write in flight at the close, it resolves, and other stores are notified", async () => {
    const writer = open({ listener: false });
    await runningJob(writer, "a");
    const { wakes } = await listeningWatcher("a");
    const write = setMessage(writer, "a", "last");
    await writer.close();
    await write;
    await until("the write wakes the watch", () => wakes.includes(2));
  });

  test("given a listener that receives nothing, reports it once and polls at the shorter interval", async () => {
    const errors: ProgressError[] = [];
    const deaf: PostgresListener = {
      async listen(_channel, _onMessage, onStateChange) {
        onStateChange();
        return { unlisten: async () => {} };
      },
    };
    const writer = open({ listener: false });
    await runningJob(writer, "a");
    const onError = (error: ProgressError): void => void errors.push(error);
    const { wake, wakes, moreThan } = wakeRecorder();
    await open({ listener: deaf, pollMs: 5, onError }).watch({ jobId: "a" }, wake);
    // One wake when it begins to listen, one at the first poll.
    await moreThan(1);
    for (let version = 2; version < 10; version += 1) {
      await setMessage(writer, "a", `${version}`);
      await until("a poll finds the write", () => wakes.includes(version));
    }
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain("pooler");
  });

  test("given a listener that can't start, reports it, and the next watch starts it again", async () => {
    const errors: ProgressError[] = [];
    let tries = 0;
    const broken: PostgresListener = {
      async listen(_channel, _onMessage, onStateChange) {
        tries += 1;
        if (tries === 1) throw new Error("the listener can't start");
        onStateChange();
        return { unlisten: async () => {} };
      },
    };
    const watcher = open({ listener: broken, onError: (error) => void errors.push(error) });
    const { wake, moreThan } = wakeRecorder();
    await watcher.watch({ jobId: "a" }, wake);
    await until("the failure is reported", () => errors.length === 1);
    await watcher.watch({ jobId: "b" }, () => {});
    await moreThan(0);
    expect([tries, errors.length]).toEqual([2, 1]);
  });

  test("given an onError that throws, continues to poll", async () => {
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
    const { wake, moreThan } = wakeRecorder();
    await watcher.watch({ jobId: "a" }, wake);
    await until("onError was called", () => calls > 0);
    await moreThan(0);
  });

  test("given a closed store, leaves the pool as it was before", async () => {
    const before = pool.listenerCount("error");
    const store = postgresStore({ pool });
    await runningJob(store, "a");
    await store.watch({ jobId: "a" }, () => {});
    await until("the store listens", async () => (await listeningPids(pool)).length === 1);
    await store.close();
    expect(pool.listenerCount("error")).toBe(before);
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });
});
