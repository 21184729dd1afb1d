import type { ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HoldingProxy, startHoldingProxy } from "../servers/holding-proxy.js";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { codeOf } from "./await-helpers.js";
import { cutOffCall, lateWriteTests, line } from "./late-writes.js";
import { poolOf, setMessage } from "./postgres-kit.js";

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

    /** Makes a call that is cut off. The store tries it again by itself, on another connection. */
    async function cutOff<Result>(
      call: () => Promise<Result>,
      meanwhile?: () => Promise<unknown>,
    ): Promise<Result> {
      // A new connection would be held before it is open. One of the pool may be busy with a notification.
      await Promise.all(Array.from({ length: 3 }, () => store.read("a")));
      return cutOffCall({ proxy, held: /write_job|create_job/ }, call, meanwhile);
    }

    lateWriteTests(() => ({ store, direct, cutOff, deliver: () => proxy.deliver() }));

    test("given a creation that is cut and arrives twice, creates one job", async () => {
      const draft = { id: "a", set: { status: "queued" } };
      const created = await cutOff(() => store.create(draft));
      expect(created).toMatchObject({ jobId: "a", created: true });
      await setMessage(store, "a", "kept");
      await proxy.deliver();
      expect((await store.read("a"))?.set.message).toBe("kept");
      expect(await codeOf(store.create(draft))).toBe("invalid-change");
    });

    test("given a creation that is cut and arrives again after a removal, does not bring the job back", async () => {
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
