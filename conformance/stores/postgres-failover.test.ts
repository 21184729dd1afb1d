import { isProgressError, type ProgressError, type ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HoldingProxy, startHoldingProxy } from "../servers/holding-proxy.js";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { until } from "./await-helpers.js";
import { poolOf, runningJob, setMessage, wakeRecorder } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`postgresStore's failovers ${POSTGRES_MISSING ?? ""}`, () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  /** The address of the primary. After a failover it leads to the new one. */
  let proxy: HoldingProxy;
  /** One for the stores, and one to each server. */
  let pools: readonly [pg.Pool, pg.Pool, pg.Pool];
  let stores: ProgressStore[];

  beforeEach(async () => {
    primary = await startPostgres();
    standby = await startPostgres({ standbyOf: primary });
    proxy = await startHoldingProxy(primary.port);
    const ofStores = primary.url.replace(`:${primary.port}/`, `:${proxy.port}/`);
    pools = [poolOf(ofStores), poolOf(primary.url), poolOf(standby.url)];
    stores = [];
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all(pools.map((pool) => pool.end()));
    await proxy.close();
    await standby.stop();
    await primary.stop();
  });

  function open(pool: pg.Pool): ProgressStore {
    const store = postgresStore({ pool, listener: false });
    stores.push(store);
    return store;
  }

  /** Resolves when the standby has this version of job `a`. */
  function untilReplicated(version: number): Promise<void> {
    return until("the standby has the job", async () => {
      const { rows } = await pools[2].query("select to_regclass('progress.jobs') as name");
      if (rows[0]?.name === null) return false;
      const jobs = await pools[2].query("select version from progress.jobs where id = 'a'");
      return Number(jobs.rows[0]?.version) >= version;
    });
  }

  test("given connections to a former primary that still answers, goes on at the new one", async () => {
    const store = open(pools[0]);
    await runningJob(store, "a");
    await Promise.all(Array.from({ length: 8 }, () => store.read("a")));
    await setMessage(store, "a", "before");
    await untilReplicated(2);
    await pools[1].query("alter system set default_transaction_read_only = on");
    await pools[1].query("select pg_reload_conf()");
    await until("the former primary is read-only", async () => {
      const { rows } = await pools[0].query("show transaction_read_only");
      return rows[0]?.transaction_read_only === "on";
    });
    await pools[2].query("select pg_promote()");
    proxy.setTarget(standby.port);

    await Promise.all(Array.from({ length: 8 }, (_, by) => setMessage(store, "a", `${by}`)));
    await setMessage(store, "a", "after");
    const { rows } = await pools[2].query("select version from progress.jobs where id = 'a'");
    expect(Number(rows[0]?.version)).toBe(11);
    await until("reads reach the new primary, too", async () => {
      return (await store.read("a"))?.set.message === "after";
    });
  });

  test("given a pool that reaches only a standby, refuses every call as retryable and names the remedy", async () => {
    await runningJob(open(pools[0]), "a");
    await untilReplicated(1);
    const store = open(pools[2]);
    const calls = [
      () => store.read("a"),
      () => setMessage(store, "a", "one"),
      () => store.create({ id: "b", set: {} }),
      () => store.create({ id: "b", set: {}, subjects: ["user:42"] }),
      () => store.list("user:42", { limit: 10 }),
      () => store.learn("video", { render: 1000 }),
      () => store.expectations("video"),
      () => store.remove("a"),
      () => store.sweep(undefined, 10),
    ];
    const refusals = calls.map(async (call) => {
      const error = await call().then(
        () => expect.fail("The call resolved."),
        (reason: unknown) => reason,
      );
      expect(isProgressError(error, "store-unavailable") && error.retryable).toBe(true);
      expect(String(error)).toContain("Connect the pool to the primary");
    });
    await Promise.all(refusals);
  });

  test("given a listener that reaches a standby, reports it once, and listens when it is promoted", async () => {
    await runningJob(open(pools[0]), "a");
    await untilReplicated(1);
    const errors: ProgressError[] = [];
    const store = postgresStore({ pool: pools[2], onError: (error) => errors.push(error) });
    stores.push(store);
    const { wake, wakes } = wakeRecorder();
    await store.watch({ jobId: "a" }, wake);
    const list = wakeRecorder();
    await store.watch({ subject: "user:42" }, list.wake);
    await until("the failure is reported", () => errors.length > 0);
    await pools[2].query("select pg_promote()");
    await until("the store listens", () => wakes.length > 0);
    await list.moreThan(0);
    await setMessage(open(pools[2]), "a", "after");
    await until("the write wakes the watch", () => wakes.includes(2));
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });
});
