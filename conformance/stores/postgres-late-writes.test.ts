import {
  allowAnyone,
  type Change,
  createProgress,
  type HoldWrite,
  type ProgressStore,
} from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HoldingProxy, startHoldingProxy } from "../servers/holding-proxy.js";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { codeOf, until } from "./await-helpers.js";
import { poolOf, setMessage } from "./postgres-kit.js";

/** A line of a change, with its text. */
const line = (text: string) => ({ at: 1, level: "info", text }) as const;

describe.skipIf(POSTGRES_MISSING)(
  `postgresStore, calls that arrive late ${POSTGRES_MISSING ?? ""}`,
  () => {
    let server: PostgresServer;
    let proxy: HoldingProxy;
    let pool: pg.Pool;
    /** A store that reaches the server through the proxy. */
    let store: ProgressStore;
    let directPool: pg.Pool;
    /** One that does not. */
    let direct: ProgressStore;

    beforeEach(async () => {
      server = await startPostgres();
      proxy = await startHoldingProxy(server.port);
      pool = poolOf(server.url.replace(`:${server.port}/`, `:${proxy.port}/`));
      store = postgresStore({ pool, listener: false });
      directPool = poolOf(server.url);
      direct = postgresStore({ pool: directPool, listener: false });
    });
    afterEach(async () => {
      await Promise.all([store.close(), direct.close()]);
      await proxy.close();
      await Promise.all([pool.end(), directPool.end()]);
      await server.stop();
    });

    /** Makes a call whose bytes reach the proxy only, and breaks its connection for the client. */
    async function cutOff<Result>(
      call: () => Promise<Result>,
      meanwhile = async (): Promise<unknown> => undefined,
    ): Promise<Result> {
      // A new connection would be held before it is open. One of the pool may be busy with a notification.
      await Promise.all(Array.from({ length: 3 }, () => store.read("a")));
      proxy.hold();
      const result = call();
      await until("the proxy holds the call", () => /write_job|create_job/.test(proxy.held()));
      await meanwhile();
      proxy.cutClients();
      return result;
    }

    async function openedJob(token: string): Promise<(count: number) => HoldWrite> {
      const { cursor: seen } = await store.create({ id: "a", set: { status: "queued" } });
      await store.write("a", {
        set: { status: "running" },
        log: [],
        hold: { token, count: 1, opens: { seen, takeOver: false } },
        leaseMs: 60_000,
      });
      return (count) => ({ token, count });
    }

    test("given a write that is cut off and whose bytes arrive after later writes, changes nothing", async () => {
      const holdOf = await openedJob("worker");
      const cut = { percent: 40, message: "old" };
      // The store tries it again by itself, on another connection.
      await cutOff(() => store.write("a", { set: cut, log: [line("one")], hold: holdOf(2) }));
      const later: Change = { set: { percent: 60, message: "new" }, log: [], hold: holdOf(3) };
      const { cursor } = await store.write("a", later);
      await proxy.deliver();
      const { set, log, ...now } = (await store.read("a")) ?? expect.fail("The job is missing.");
      expect(set).toMatchObject({ percent: 60, message: "new" });
      expect(log).toEqual([{ ...line("one"), n: 1, version: 3 }]);
      expect(now.cursor).toBe(cursor);
    });

    test("given a worker whose report is cut off and arrives late, keeps what was acknowledged after it", async () => {
      const progress = createProgress({ store, authorize: allowAnyone });
      const { id } = await progress.create({ id: "a", kind: "count" });
      const job = await progress.open(id);
      await cutOff(async () => {
        job.update({ percent: 40, message: "old" });
        job.log("one");
        await job.flush();
      });
      job.update({ percent: 60, message: "new" });
      await job.flush();
      await proxy.deliver();
      const { set, log } = (await store.read("a")) ?? expect.fail("The job is missing.");
      expect(set).toMatchObject({ percent: 60, message: "new" });
      expect(log.map(({ n, text }) => [n, text])).toEqual([[1, "one"]]);
      expect(await job.complete({ counted: 60 })).toMatchObject({ status: "completed" });
      await progress.close();
    });

    test("given an end that is cut and arrives twice, ends the job once and acknowledges it", async () => {
      const holdOf = await openedJob("worker");
      const end: Change = { set: { status: "completed", result: 7 }, log: [], hold: holdOf(2) };
      const { cursor } = await cutOff(() => store.write("a", end));
      await proxy.deliver();
      expect(await store.read("a")).toMatchObject({ cursor, done: true, set: { result: 7 } });
      expect((await store.write("a", end)).cursor).toBe(cursor);
    });

    test("given a write that arrives after another worker took the job over, changes nothing", async () => {
      const holdOf = await openedJob("first");
      const { cursor: seen } = (await store.read("a")) ?? expect.fail("The job is missing.");
      const late: Change = { set: { percent: 40 }, log: [], hold: holdOf(2) };
      const hold = { token: "second", count: 1, opens: { seen, takeOver: true } };
      const first = cutOff(
        () => store.write("a", late),
        () => direct.write("a", { set: { percent: 10 }, log: [], hold, leaseMs: 60_000 }),
      );
      expect(await codeOf(first)).toBe("hold-lost");
      await proxy.deliver();
      const job = (await store.read("a")) ?? expect.fail("The job is missing.");
      expect([job.cursor.split(".")[1], job.set.percent]).toEqual(["3", 10]);
    });

    test("given a creation that is cut and arrives twice, creates one job", async () => {
      const draft = { id: "a", set: { status: "queued" } };
      const created = await cutOff(() => store.create(draft));
      expect(created).toMatchObject({ jobId: "a", created: true });
      await setMessage(store, "a", "kept");
      await proxy.deliver();
      expect((await store.read("a"))?.set.message).toBe("kept");
      expect(await codeOf(store.create(draft))).toBe("invalid-change");
    });

    test("given a creation that is cut and arrives again after the job was removed, does not bring it back", async () => {
      await cutOff(() => store.create({ id: "a", set: { status: "queued" } }));
      expect(await store.remove("a")).toBe(true);
      await proxy.deliver();
      expect(await codeOf(store.read("a"))).toBe("job-expired");
      expect(await store.create({ id: "a", set: {} })).toMatchObject({ created: true });
    });

    test("given a write without a hold that is cut, does not send it again", async () => {
      await store.create({ id: "a", set: { status: "queued" } });
      const log = [line("one")];
      expect(await codeOf(cutOff(() => store.write("a", { set: {}, log })))).toBe(
        "store-unavailable",
      );
      await proxy.deliver();
      expect((await store.read("a"))?.log).toHaveLength(1);
    });
  },
);
