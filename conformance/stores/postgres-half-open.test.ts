import type { ProgressError, ProgressStore } from "@emlinh/progress-server";
import {
  type PostgresStoreOptions,
  pgListener,
  postgresStore,
} from "@emlinh/progress-server/stores/postgres";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HoldingProxy, startHoldingProxy } from "../servers/holding-proxy.js";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { codeOf, until } from "./await-helpers.js";
import { poolOf, runningJob, setMessage, wakeRecorder } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(
  `postgresStore's half-open connections ${POSTGRES_MISSING ?? ""}`,
  () => {
    let server: PostgresServer;
    let proxy: HoldingProxy;
    let pools: pg.Pool[];
    let stores: ProgressStore[];

    beforeEach(async () => {
      server = await startPostgres();
      proxy = await startHoldingProxy(server.port);
      pools = [];
      stores = [];
    });
    afterEach(async () => {
      await Promise.all(stores.map((store) => store.close()));
      await proxy.close();
      await Promise.all(pools.map((pool) => pool.end()));
      await server.stop();
    });

    const throughProxy = (): string => server.url.replace(`:${server.port}/`, `:${proxy.port}/`);

    function open(
      url: string,
      options: Partial<PostgresStoreOptions>,
      config?: pg.PoolConfig,
    ): ProgressStore {
      const pool = poolOf(url, config);
      pools.push(pool);
      const store = postgresStore({ pool, pollMs: 60_000, ...options });
      stores.push(store);
      return store;
    }

    test("given a listener whose connection carries nothing, replaces it and reports it once", async () => {
      const errors: ProgressError[] = [];
      let connects = 0;
      const listener = pgListener(
        () => {
          connects += 1;
          return new pg.Client({ connectionString: throughProxy() });
        },
        { probeMs: 300 },
      );
      const writer = open(server.url, { listener: false });
      const onError = (error: ProgressError): void => void errors.push(error);
      const watcher = open(server.url, { listener, onError });
      await runningJob(writer, "a");
      const { wake, wakes, moreThan } = wakeRecorder();
      await watcher.watch({ jobId: "a" }, wake);
      await moreThan(0);
      for (const outage of [1, 2]) {
        const seen = wakes.length;
        proxy.hold("open");
        // Without a listener the next poll would find this change after a minute.
        await setMessage(writer, "a", `during outage ${outage}`);
        await moreThan(seen);
        expect(wakes.slice(seen)).toEqual([undefined]);
        await setMessage(writer, "a", `after outage ${outage}`);
        await until("a write wakes the watch again", () => wakes.includes(1 + 2 * outage));
        expect([errors.length, connects]).toEqual([outage, 1 + outage]);
      }
      expect(errors[0]?.message).toContain("no answer");
    });

    test("given a pool with query_timeout whose connections carry nothing, works again after that time", async () => {
      const store = open(throughProxy(), { listener: false }, { query_timeout: 400 });
      await runningJob(store, "a");
      await Promise.all(Array.from({ length: 5 }, () => store.read("a")));
      proxy.hold("open");
      const codes: string[] = [];
      await until("a read is answered", async () => {
        codes.push(await codeOf(store.read("a")));
        return codes.at(-1) === "none";
      });
      expect(codes.slice(0, -1).every((code) => code === "store-unavailable")).toBe(true);
      await setMessage(store, "a", "after");
    });
  },
);
