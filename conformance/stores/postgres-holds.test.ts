import {
  type Change,
  checkWrite,
  type Hold,
  holdAfter,
  isProgressError,
  type ProgressStore,
  type WriteState,
} from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { poolOf } from "./postgres-kit.js";

const EPOCH = "epoch";
const VERSION = 3;

const small = fc.integer({ min: 1, max: 4 });
const token = fc.constantFrom("a", "b");

const state: fc.Arbitrary<WriteState> = fc.record({
  id: fc.constant("job"),
  epoch: fc.constant(EPOCH),
  ended: fc.constantFrom(undefined, undefined, undefined, "completed"),
  attempt: fc.integer({ min: 1, max: 3 }),
  hold: fc.option(fc.record({ token, count: small, since: fc.integer({ min: 1, max: VERSION }) }), {
    nil: undefined,
  }),
  isLeased: fc.boolean(),
});

const seen = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map((version) => `${EPOCH}.${version}`),
  fc.constantFrom("other.2", "malformed"),
);

const change: fc.Arbitrary<Change> = fc.record({
  set: fc.record(
    {
      attempt: small,
      percent: fc.constant(1),
      "steps.s": fc.constant({ status: "running" }),
      message: fc.constant("text"),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
  log: fc.constant([]),
  hold: fc.option(
    fc.record({
      token,
      count: small,
      opens: fc.option(fc.record({ seen, takeOver: fc.boolean() }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
});

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
  async function kept(): Promise<{ readonly hold: Hold | undefined; readonly version: number }> {
    const { rows } = await pool.query(
      "select hold_token, hold_count::int, hold_since::int, version::int from progress.jobs",
    );
    const { hold_token: token, hold_count: count, hold_since: since, version } = rows[0];
    return { hold: token === null ? undefined : { token, count, since }, version };
  }

  test("given any hold and any write, SQL accepts, repeats or refuses it as the rule checkWrite does", async () => {
    const outcomes = new Set<string>();
    for (const [job, write] of fc.sample(fc.tuple(state, change), { numRuns: 1_500, seed: 12 })) {
      await put(job);
      const expected = outcomeOf(() => checkWrite(job, write));
      const actual = await store.write("job", write).then(
        () => "accepted",
        (error: unknown) => codeOf(error),
      );
      const isRepeated = expected === "repeated";
      const what = JSON.stringify({ job, write });
      expect(actual, what).toBe(isRepeated ? "accepted" : expected);
      outcomes.add(expected);
      const isAccepted = expected === "accepted";
      const raises = isAccepted && Object.keys(write.set).length > 0;
      const version = VERSION + (raises ? 1 : 0);
      const hold = isAccepted ? holdAfter(job.hold, write.hold, version) : job.hold;
      expect(await kept(), what).toEqual({ hold, version });
    }
    expect([...outcomes].sort()).toEqual([
      "accepted",
      "attempt-superseded",
      "hold-lost",
      "job-finished",
      "job-held",
      "repeated",
    ]);
  });
});

function outcomeOf(check: () => string): string {
  try {
    return check();
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  if (!isProgressError(error)) throw error;
  return error.code;
}
