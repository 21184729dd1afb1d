import type { ProgressStore, WriteState } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import type pg from "pg";
import { afterAll, beforeAll, describe, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { checkHoldRule, EPOCH, type KeptHold, VERSION } from "./hold-rule.js";
import { poolOf } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`postgresStore's holds ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  let pool: pg.Pool;
  let store: ProgressStore;

  beforeAll(async () => {
    server = await startPostgres();
    pool = poolOf(server.url);
    store = postgresStore({ pool, listener: false });
    await store.create({ id: "job", set: { status: "running" } });
  });
  afterAll(async () => {
    await store?.close();
    await pool?.end();
    await server?.stop();
  });

  /** Brings the job's row into a state. A lease that is not valid has run out. */
  async function put({ ended, attempt, hold, isLeased }: WriteState): Promise<void> {
    await pool.query(
      `update progress.jobs set epoch = $1, version = $2, attempt = $3, ended_at = $4, lease_ms = 60000,
        lease_until = progress.now_ms() + $5::bigint, hold_token = $6, hold_count = $7, hold_since = $8`,
      [
        EPOCH,
        VERSION,
        attempt,
        ended === undefined ? null : 1,
        isLeased ? 60_000 : -1,
        hold?.token ?? null,
        hold?.count ?? null,
        hold?.since ?? null,
      ],
    );
    await pool.query(`update progress.fields set value = $1 where name = 'status'`, [
      JSON.stringify(ended ?? "running"),
    ]);
  }

  /** The hold and the version that the row has. */
  async function kept(): Promise<KeptHold> {
    const { rows } = await pool.query(
      "select hold_token, hold_count::int, hold_since::int, version::int from progress.jobs",
    );
    const { hold_token: token, hold_count: count, hold_since: since, version } = rows[0];
    return { hold: token === null ? undefined : { token, count, since }, version };
  }

  test("given any hold and any write, SQL accepts, repeats or refuses it as the rule checkWrite does", () =>
    checkHoldRule({ store, put, kept }));
});
