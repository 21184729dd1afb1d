import { dueAt, type ProgressStore, transitionOf } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { codeOf, until } from "./await-helpers.js";
import { checkClosedSteps } from "./closed-steps.js";
import { poolOf, runningJob, setMessage } from "./postgres-kit.js";

describe.skipIf(POSTGRES_MISSING)(`postgresStore's rows ${POSTGRES_MISSING ?? ""}`, () => {
  let server: PostgresServer;
  let url: string;
  let pool: pg.Pool;
  let store: ProgressStore;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });
  beforeEach(async () => {
    await pool?.end();
    url = await server.newDatabase();
    pool = poolOf(url);
    store = postgresStore({ pool, listener: false, maxLogLines: 5 });
  });

  test("given any times of a job, SQL finds the same transition and due time as the library's rules", async () => {
    await store.read("a");
    const ms = fc.integer({ min: 0, max: 40 });
    const maybe = fc.option(ms, { nil: undefined });
    const job = fc.record({
      endedAt: maybe,
      deadlineAt: maybe,
      leaseUntil: maybe,
      leaseMs: ms,
      stale: fc.boolean(),
      writtenAt: ms,
      ttlMs: ms,
      idleTtlMs: ms,
      now: fc.integer({ min: 0, max: 80 }),
    });
    const samples = fc.sample(job, { numRuns: 5_000, seed: 7 });
    const { rows } = await pool.query(
      `select
        progress.due_at(
          e.ended, e.deadline, e.lease_until, e.lease, e.stale, e.written, e.ttl, e.idle
        )::int as due,
        progress.transition_at(
          e.now, e.ended, e.deadline, e.lease_until, e.lease, e.stale, e.written, e.ttl, e.idle
        ) as transition
      from json_to_recordset($1::json) as e (
        ended bigint, deadline bigint, lease_until bigint, lease bigint, stale boolean, written bigint,
        ttl bigint, idle bigint, now bigint
      )`,
      [
        JSON.stringify(
          samples.map((each) => ({
            ended: each.endedAt,
            deadline: each.deadlineAt,
            lease_until: each.leaseUntil,
            lease: each.leaseMs,
            stale: each.stale,
            written: each.writtenAt,
            ttl: each.ttlMs,
            idle: each.idleTtlMs,
            now: each.now,
          })),
        ),
      ],
    );
    const actual = rows.map(({ due, transition }) => [due, transition ?? undefined]);
    expect(actual).toEqual(
      samples.map((each) => [dueAt(each, each), transitionOf(each, each, each.now)]),
    );
    expect(new Set(actual.map(([, transition]) => transition)).size).toBe(5);
  });

  test("given thousands of writes, renewals and sweeps, makes HOT updates, and the tables stay small", async () => {
    const jobIds = Array.from({ length: 20 }, (_, by) => `job-${by}`);
    for (const jobId of jobIds) await runningJob(store, jobId);
    const cursors = new Map<string, string>();
    for (const jobId of jobIds) cursors.set(jobId, (await store.read(jobId))?.cursor ?? "");
    const round = async (by: number): Promise<void> => {
      const step = { status: "running", percent: by % 100 };
      const set = { "steps.render": step, message: `${by}` };
      await Promise.all(
        jobIds.map((jobId) => {
          const opens = by === 0 ? { seen: cursors.get(jobId) ?? "", takeOver: false } : undefined;
          const hold = { token: "worker", count: by + 1, opens };
          return store.write(jobId, { set, log: [], hold, leaseMs: 15_000 });
        }),
      );
      await store.sweep(undefined, 100);
    };
    for (let by = 0; by < 10; by += 1) await round(by);
    const before = await sizeOf(pool);
    for (let by = 10; by < 260; by += 1) await round(by);
    const after = await sizeOf(pool);
    // A session reports its counts when it ends.
    await store.close();
    await pool.end();
    pool = poolOf(url, { max: 1 });
    await until("the other sessions have ended", async () => {
      const { rows } = await pool.query(
        "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
      return rows.length === 0;
    });
    const { rows } = await pool.query(
      `select relname, n_tup_upd::int as updates, n_tup_hot_upd::int as hot
      from pg_stat_user_tables where relname in ('jobs', 'fields')`,
    );
    expect(rows).toHaveLength(2);
    for (const { relname, updates, hot } of rows) {
      expect(updates).toBeGreaterThan(5_000);
      expect(hot / updates, `the HOT share of ${relname}`).toBeGreaterThan(0.9);
    }
    expect(after - before).toBeLessThan(300_000);
  });

  test("given jobs that were removed, leaves only tombstones, and deletes those once they expire", async () => {
    const dayMs = 86_400_000;
    for (const id of ["a", "b"]) {
      await store.create({ id, key: `key of ${id}`, set: { status: "running", attempt: 1 } });
      const log = [{ at: 1, level: "info", text: "done" }] as const;
      await store.write(id, { set: { status: "completed" }, log });
    }
    const now = Date.now();
    expect(await store.sweep(now + dayMs, 10)).toMatchObject({ expired: 2, more: false });
    expect(await counts(pool)).toEqual({ jobs: 2, fields: 0, lines: 0 });
    expect(await codeOf(store.read("a"))).toBe("job-expired");
    expect(await store.sweep(now + dayMs, 10)).toMatchObject({ expired: 0, more: false });
    const later = await store.sweep(now + 3 * dayMs, 10);
    expect(later).toEqual({ stale: 0, lost: 0, timedOut: 0, expired: 0, more: false });
    expect(await counts(pool)).toEqual({ jobs: 0, fields: 0, lines: 0 });
    expect(await store.read("a")).toBeUndefined();
  });

  test("given remove, releases the key and leaves only a tombstone, until that expires", async () => {
    await store.create({ id: "a", key: "order 7", set: { status: "running", attempt: 1 } });
    const log = [{ at: 1, level: "info", text: "one" }] as const;
    await store.write("a", { set: {}, log, leaseMs: 1_000_000 });
    expect(await store.remove("a")).toBe(true);
    expect(await store.remove("a")).toBe(false);
    expect(await counts(pool)).toEqual({ jobs: 1, fields: 0, lines: 0 });
    expect(await codeOf(setMessage(store, "a", "late"))).toBe("job-expired");
    const next = await store.create({ id: "b", key: "order 7", set: {} });
    expect(next).toMatchObject({ jobId: "b", created: true });
    expect(await store.remove("b")).toBe(true);
    await store.sweep(Date.now() + 2 * 86_400_000, 10);
    expect(await counts(pool)).toEqual({ jobs: 0, fields: 0, lines: 0 });
    expect(await store.remove("a")).toBe(false);
  });

  test("given steps with any values, an end closes them as the rule closedSteps does", async () => {
    await checkClosedSteps(store);
  });

  test("given tombstoneTtlMs 0, a removed job is unknown", async () => {
    const withoutTombstones = postgresStore({ pool, listener: false, tombstoneTtlMs: 0 });
    await runningJob(withoutTombstones, "a");
    await withoutTombstones.write("a", { set: { status: "completed" }, log: [] });
    await withoutTombstones.sweep(Date.now() + 86_400_000, 10);
    expect(await counts(pool)).toEqual({ jobs: 0, fields: 0, lines: 0 });
    expect(await withoutTombstones.read("a")).toBeUndefined();
    await runningJob(withoutTombstones, "b");
    expect(await withoutTombstones.remove("b")).toBe(true);
    expect(await counts(pool)).toEqual({ jobs: 0, fields: 0, lines: 0 });
    expect(await codeOf(setMessage(withoutTombstones, "b", "late"))).toBe("job-not-found");
  });

  test("given many renewed leases, a sweep with limit 1 skips them and marks the stale job", async () => {
    for (let by = 0; by < 120; by += 1) {
      await runningJob(store, `job-${by}`);
      await store.write(`job-${by}`, { set: {}, log: [], leaseMs: 1_000 });
    }
    const lasting = { set: {}, log: [], leaseMs: 10_000_000 };
    for (let by = 0; by < 119; by += 1) await store.write(`job-${by}`, lasting);
    const report = await store.sweep(Date.now() + 1_000_000, 1);
    expect(report).toEqual({ stale: 1, lost: 0, timedOut: 0, expired: 0, more: false });
    expect((await store.read("job-119"))?.set.stale).toBe(true);
  });

  test("given a job that another transaction has locked, a sweep skips it", async () => {
    for (const id of ["a", "b"]) {
      await runningJob(store, id);
      await store.write(id, { set: {}, log: [], leaseMs: 1_000 });
    }
    const client = await pool.connect();
    await client.query("begin");
    await client.query("select from progress.jobs where id = 'a' for update");
    const now = Date.now() + 1_000_000;
    expect(await store.sweep(now, 10)).toMatchObject({ stale: 1, more: false });
    await client.query("rollback");
    client.release();
    expect(await store.sweep(now, 10)).toMatchObject({ stale: 1, more: false });
  });

  test("given sessions with the isolation level repeatable read, tries conflicting transactions again", async () => {
    await runningJob(store, "a");
    const strict = poolOf(url, { options: "-c default_transaction_isolation=repeatable\\ read" });
    const own = postgresStore({ pool: strict, listener: false });
    const cursors = await Promise.all(
      Array.from({ length: 8 }, (_, by) => setMessage(own, "a", `${by}`)),
    );
    expect(new Set(cursors).size).toBe(8);
    const created = await Promise.all(
      Array.from({ length: 8 }, (_, by) => own.create({ id: `k${by}`, key: "one", set: {} })),
    );
    expect(created.filter((each) => each.created)).toHaveLength(1);
    await strict.end();
  });

  test("given values that PostgreSQL can't store, throws invalid-change and keeps the job as it was", async () => {
    // Longer than an index entry may be, and not compressible.
    const tooLong = Array.from({ length: 200 }, () => crypto.randomUUID()).join("");
    expect(await codeOf(store.create({ id: `a${tooLong}`, set: {} }))).toBe("invalid-change");
    await runningJob(store, "a");
    const before = await store.read("a");
    expect(await codeOf(store.write("a", { set: { [tooLong]: 1 }, log: [] }))).toBe(
      "invalid-change",
    );
    expect(await store.read("a")).toEqual({ ...before, now: expect.any(Number) });
  });

  test("given ids that no job can have, answers without a query", async () => {
    for (const id of ["", "a b", "a\u0000", "\ud800", "x".repeat(129)]) {
      expect(await store.read(id)).toBeUndefined();
      expect(await codeOf(store.write(id, { set: {}, log: [] }))).toBe("job-not-found");
      expect(await store.remove(id)).toBe(false);
    }
  });

  test("given keys with any characters, distinguishes them and finds each again", async () => {
    const keys = ["a\u0000", "a\u0000b", "\ud800", "\udc00", "\ufffd", "x".repeat(5_000)];
    for (const [by, key] of keys.entries())
      expect(await store.create({ id: `j${by}`, key, set: {} })).toMatchObject({ created: true });
    for (const [by, key] of keys.entries())
      expect(await store.create({ id: "k", key, set: {} })).toMatchObject({ jobId: `j${by}` });
  });

  test("given an infinite lease, deadline and TTLs, stores them", async () => {
    const forever = Number.POSITIVE_INFINITY;
    const endless = postgresStore({
      pool,
      listener: false,
      ttlMs: forever,
      idleTtlMs: forever,
      maxLogLines: forever,
      tombstoneTtlMs: forever,
      pollMs: forever,
    });
    await endless.create({ id: "a", set: {}, deadlineMs: forever });
    await endless.write("a", { set: {}, log: [], leaseMs: forever });
    await endless.create({ id: "b", set: {} });
    await endless.write("b", { set: { status: "completed" }, log: [] });
    const report = await endless.sweep(Number.MAX_SAFE_INTEGER, forever);
    expect(report).toEqual({ stale: 0, lost: 0, timedOut: 0, expired: 0, more: false });
  });
});

async function sizeOf(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query(
    "select sum(pg_total_relation_size(relid))::float8 as bytes from pg_stat_user_tables",
  );
  return Number(rows[0]?.bytes);
}

async function counts(pool: pg.Pool): Promise<unknown> {
  const { rows } = await pool.query(
    `select
      (select count(*)::int from progress.jobs) as jobs,
      (select count(*)::int from progress.fields) as fields,
      (select count(*)::int from progress.lines) as lines`,
  );
  return rows[0];
}
