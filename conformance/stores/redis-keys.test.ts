import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  keysIn,
  REDIS_MISSING,
  type RedisServer,
  runCommand,
  startRedis,
} from "../servers/redis.js";
import { codeOf, until } from "./await-helpers.js";
import { checkClosedSteps } from "./closed-steps.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { change, draft, storeOn } from "./redis-kit.js";

const HOUR_MS = 3_600_000;
const LINE = { at: 1, level: "info", text: "a line" } as const;

describe.skipIf(REDIS_MISSING !== undefined)("the keys of redisStore", () => {
  let server: RedisServer;
  let opened: OpenedClient;
  beforeAll(async () => {
    server = await startRedis();
    opened = await (SINGLE_CLIENTS[0] as (typeof SINGLE_CLIENTS)[number]).open(server);
  });
  afterAll(async () => {
    opened.close();
    await server.stop();
  });

  async function expiries(prefix: string): Promise<ReadonlyMap<string, number>> {
    const keys = await keysIn(server, `${prefix}:*`);
    return new Map(
      await Promise.all(
        keys.map(async (key) => [key, Number(await runCommand(server, "PTTL", key))] as const),
      ),
    );
  }

  /** The only key whose name contains `kind`. */
  async function keyOf(prefix: string, kind: string): Promise<string> {
    const keys = (await keysIn(server, `${prefix}:*`)).filter((key) => key.includes(kind));
    expect(keys).toHaveLength(1);
    return keys[0] ?? "";
  }

  test("given any call that writes, every key has an expiry", async () => {
    const { store, prefix } = storeOn(opened, { ttlMs: HOUR_MS, idleTtlMs: 2 * HOUR_MS });
    const calls: readonly (() => Promise<unknown>)[] = [
      () => store.create(draft("a", { key: "order 7", deadlineMs: 1, subjects: ["user:1"] })),
      () => store.learn("video", { render: 1 }),
      () => store.create(draft("b")),
      () => store.write("a", change({ percent: 1 })),
      () => store.write("a", change({}, { log: [LINE] })),
      () => store.write("a", change({}, { leaseMs: 10 * HOUR_MS })),
      () => store.write("b", change({}, { leaseMs: 100 * HOUR_MS, log: [LINE] })),
      () => store.list("user:1", { limit: 10 }),
      () => store.sweep(undefined, 10),
      () => store.sweep(Date.now() + 105 * HOUR_MS, 10),
      () => store.create(draft("c", { key: "order 8" })),
      () => store.write("c", change({ status: "completed" }, { log: [LINE] })),
      () => store.sweep(Date.now() + 102 * HOUR_MS, 10),
    ];
    for (const [index, call] of calls.entries()) {
      await call();
      const all = await expiries(prefix);
      expect(all.size).toBeGreaterThan(0);
      for (const [key, ms] of all) expect(`${index} ${key} ${ms > 0}`).toBe(`${index} ${key} true`);
    }
  });

  test("given a job that is kept, its keys and its index expire only after it is due", async () => {
    const { store, prefix } = storeOn(opened, { ttlMs: HOUR_MS, idleTtlMs: 2 * HOUR_MS });
    await store.create(draft("a", { key: "order 7" }));
    await store.write("a", change({}, { log: [LINE] }));
    for (const [key, ms] of await expiries(prefix))
      expect(`${key} ${ms > 2 * HOUR_MS}`).toBe(`${key} true`);
    await store.write("a", change({}, { leaseMs: 100 * HOUR_MS }));
    for (const [key, ms] of await expiries(prefix))
      if (!key.includes(":key:")) expect(`${key} ${ms > 201 * HOUR_MS}`).toBe(`${key} true`);
    await store.write("a", change({ status: "completed" }));
    for (const [key, ms] of await expiries(prefix))
      if (!key.endsWith(":due")) expect(`${key} ${ms > HOUR_MS}`).toBe(`${key} true`);
  });

  test("given a job that was marked stale long after its lease, keeps its keys until it can be lost", async () => {
    const { store, prefix } = storeOn(opened, { ttlMs: 1000, idleTtlMs: 1000 });
    await store.create(draft("a"));
    await store.write("a", change({}, { leaseMs: 10 * HOUR_MS, log: [LINE] }));
    const marked = Date.now() + 15 * HOUR_MS;
    expect(await store.sweep(marked, 10)).toMatchObject({ stale: 1 });
    for (const [key, ms] of await expiries(prefix))
      expect(`${key} ${ms > 25 * HOUR_MS}`).toBe(`${key} true`);
    expect(await store.sweep(marked + 10 * HOUR_MS - 1, 10)).toMatchObject({ lost: 0 });
    expect(await store.sweep(marked + 10 * HOUR_MS, 10)).toMatchObject({ lost: 1 });
  });

  test("given a job that runs for long, the sweeps keep its key of create", async () => {
    const { store, prefix } = storeOn(opened, { ttlMs: HOUR_MS, idleTtlMs: HOUR_MS });
    await store.create(draft("a", { key: "order 7" }));
    const pointer = await keyOf(prefix, ":key:");
    await store.write("a", change({}, { leaseMs: 10 * HOUR_MS }));
    await store.sweep(Date.now() + 1.5 * HOUR_MS, 10);
    expect(Number(await runCommand(server, "PTTL", pointer))).toBeGreaterThan(11 * HOUR_MS);
    // Lost with its node, it is written again.
    await runCommand(server, "DEL", pointer);
    await store.write("a", change({}, { leaseMs: 20 * HOUR_MS }));
    await store.sweep(Date.now() + 11 * HOUR_MS, 10);
    expect(await store.create(draft("b", { key: "order 7" }))).toMatchObject({ jobId: "a" });
  });

  test("given jobs that were removed, leaves no key once their tombstones have expired", async () => {
    const { store, prefix } = storeOn(opened, { tombstoneTtlMs: 300 });
    for (const id of ["a", "b", "c", "d"]) {
      await store.create(draft(id, { key: `key of ${id}`, subjects: ["user:1", `of:${id}`] }));
      await store.write(id, change({}, { log: [LINE], leaseMs: 1 }));
    }
    await store.write("a", change({ status: "completed" }));
    const later = Date.now() + 1000 * HOUR_MS;
    expect(await store.sweep(later, 10)).toMatchObject({ stale: 3, expired: 1 });
    expect(await store.sweep(later + 1, 10)).toMatchObject({ lost: 3 });
    expect(await store.sweep(later + 2 * HOUR_MS, 10)).toMatchObject({ expired: 3, more: false });
    expect(await codeOf(store.read("a"))).toMatch(/job-expired|none/);
    await until(
      "all keys are gone",
      async () => (await keysIn(server, `${prefix}:*`)).length === 0,
    );
    expect(await store.read("a")).toBeUndefined();
  });

  test("given remove, keeps only a tombstone, releases the key of create, and forgets the id in time", async () => {
    const { store, prefix } = storeOn(opened, { tombstoneTtlMs: 300 });
    await store.create(draft("a", { key: "order 7" }));
    await store.write("a", change({}, { log: [LINE], leaseMs: HOUR_MS }));
    expect(await store.remove("a")).toBe(true);
    expect(await store.remove("a")).toBe(false);
    const job = await keyOf(prefix, "");
    expect(await runCommand(server, "HGETALL", job)).toEqual({
      ".": "removed",
      ".epoch": expect.any(String),
    });
    expect(await codeOf(store.write("a", change({ percent: 1 })))).toBe("job-expired");
    expect(await store.create(draft("b", { key: "order 7" }))).toMatchObject({ jobId: "b" });
    expect(await store.remove("b")).toBe(true);
    await until(
      "all keys are gone",
      async () => (await keysIn(server, `${prefix}:*`)).length === 0,
    );
    expect(await store.read("a")).toBeUndefined();
    expect(await store.remove("a")).toBe(false);
  });

  test("given an id that no job can have, remove does not touch the index entry of another job", async () => {
    const { store, prefix } = storeOn(opened);
    await store.create(draft("a"));
    const due = await keyOf(prefix, ":due");
    for (let by = 0; by < 300; by += 1) expect(await store.remove(`${by}:a`)).toBe(false);
    expect(await runCommand(server, "ZRANGE", due, "0", "-1")).toEqual(["a"]);
  });

  test("given steps with any values, an end closes them as the rule closedSteps does", async () => {
    await checkClosedSteps(storeOn(opened).store);
  });

  test("given infinite times, stores them as times that never come", async () => {
    const forever = Number.POSITIVE_INFINITY;
    const bounds = { ttlMs: forever, idleTtlMs: forever, maxLogLines: forever };
    const { store } = storeOn(opened, { ...bounds, tombstoneTtlMs: forever });
    await store.create(draft("a", { key: "k", deadlineMs: forever }));
    for (let by = 0; by < 3; by += 1)
      await store.write("a", change({ message: `${by}` }, { leaseMs: forever, log: [LINE] }));
    const nothing = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };
    expect(await store.sweep(Date.now() + 1e6 * HOUR_MS, 10)).toEqual(nothing);
    await store.write("a", change({ status: "completed" }));
    expect(await store.sweep(Date.now() + 1e6 * HOUR_MS, 10)).toEqual(nothing);
    expect((await store.read("a"))?.log.map(({ n }) => n)).toEqual([1, 2, 3]);
  });

  test.each([
    [1, true],
    [2, true],
    [3, false],
    [4, false],
  ])("given three jobs that are due and a limit of %i, reports more: %s", async (limit, more) => {
    const { store } = storeOn(opened);
    for (const id of ["a", "b", "c"]) await store.create(draft(id, { deadlineMs: HOUR_MS }));
    const report = await store.sweep(Date.now() + 1.1 * HOUR_MS, limit);
    expect(report).toMatchObject({ timedOut: Math.min(limit, 3), more });
  });

  test("given more fields and lines than one command may carry, keeps all fields and the newest lines", async () => {
    const { store } = storeOn(opened, { maxLogLines: 9000 });
    const { cursor } = await store.create(draft("a"));
    const log = Array.from({ length: 10_000 }, (_, by) => ({ ...LINE, text: `${by}` }));
    const fields = Array.from({ length: 5000 }, (_, by) => [`metadata.k${by}`, by] as const);
    const { cursor: second } = await store.write("a", change(Object.fromEntries(fields), { log }));
    expect(Object.keys((await store.read("a", cursor))?.set ?? {})).toHaveLength(5001);
    await store.write("a", change({}, { log: [{ ...LINE, text: "last" }] }));
    const after = (await store.read("a", cursor))?.log ?? [];
    expect([after.length, after[0]?.n, after.at(-1)?.n]).toEqual([9000, 1002, 10_001]);
    expect((await store.read("a", second))?.log.map(({ n, text }) => [n, text])).toEqual([
      [10_001, "last"],
    ]);
  });

  test("given a server that lost its scripts, sends them again", async () => {
    const { store } = storeOn(opened);
    await store.create(draft("a"));
    for (const call of [
      () => store.write("a", change({ percent: 1 })),
      () => store.read("a"),
      () => store.sweep(undefined, 10),
      () => store.remove("c"),
      () => store.create(draft("b", { key: "k" })),
    ]) {
      await runCommand(server, "SCRIPT", "FLUSH");
      await call();
    }
    await runCommand(server, "SCRIPT", "FLUSH");
    await Promise.all(
      Array.from({ length: 50 }, (_, by) => store.write("a", change({ percent: by }))),
    );
    expect((await store.read("a"))?.cursor).toMatch(/\.52$/);
  });

  test("given a creator that died after it claimed the key, the next one creates the job with that id", async () => {
    const { store, prefix } = storeOn(opened);
    await runCommand(server, "SET", `${prefix}:key:"order 7"`, "dead", "PX", "60000");
    const made = await store.create(draft("b", { key: "order 7" }));
    expect(made).toMatchObject({ jobId: "dead", created: true });
    expect(await store.create(draft("c", { key: "order 7" }))).toEqual({ ...made, created: false });
    expect(await store.read("b")).toBeUndefined();
    // If the first creator was only slow, it gets the job that exists now.
    expect(await store.create(draft("dead", { key: "order 7" }))).toMatchObject({ created: false });
  });

  test("given a sweep that died before it released the key of a removed job, the key is free", async () => {
    const { store, prefix } = storeOn(opened);
    await store.create(draft("a", { key: "order 7" }));
    await store.write("a", change({ status: "completed" }));
    await store.sweep(Date.now() + 2 * HOUR_MS, 10);
    await runCommand(server, "SET", `${prefix}:key:"order 7"`, "a", "PX", "60000");
    const made = await store.create(draft("b", { key: "order 7" }));
    expect(made).toMatchObject({ jobId: "b", created: true });
  });

  test("given a key that points at the job of another key, claims the key and creates a job of its own", async () => {
    const { store, prefix } = storeOn(opened);
    await store.create(draft("a", { key: "one" }));
    await runCommand(server, "SET", `${prefix}:key:"two"`, "a", "PX", "60000");
    expect(await store.create(draft("b", { key: "two" }))).toMatchObject({ jobId: "b" });
    expect(await codeOf(store.create(draft("a", { key: "three" })))).toBe("invalid-change");
    expect(await keysIn(server, `${prefix}:key:"three"`)).toEqual([]);
    expect(await store.create(draft("c", { key: "three" }))).toMatchObject({ jobId: "c" });
  });

  test("given data that were restored from an earlier state, a reader with a later cursor gets a reset", async () => {
    const { store, prefix } = storeOn(opened);
    await store.create(draft("a"));
    await store.write("a", change({ message: "kept" }));
    const key = await keyOf(prefix, ":job:");
    // Like the failover to a replica that was behind.
    const copy = "redis.call('COPY', KEYS[1], KEYS[2])";
    await runCommand(server, "EVAL", copy, "2", key, `${prefix}-copy`);
    const { cursor } = await store.write("a", change({ message: "lost", percent: 7 }));
    await runCommand(
      server,
      "EVAL",
      `redis.call('DEL', KEYS[2]) ${copy}`,
      "2",
      `${prefix}-copy`,
      key,
    );
    const delta = await store.read("a", cursor);
    expect(delta).toMatchObject({ reset: true, set: { message: "kept" } });
    expect(delta?.set.percent).toBeUndefined();
  });

  test("given an index that was evicted, a later write of a job adds the job again", async () => {
    const { store, prefix } = storeOn(opened);
    await store.create(draft("a"));
    await store.write("a", change({}, { leaseMs: HOUR_MS }));
    const [due, job] = [await keyOf(prefix, ":due"), await keyOf(prefix, ":job:")];
    await runCommand(server, "DEL", due);
    // As if two hours had passed: `indexedAt` is the twelfth number of the record.
    const age = `
      local meta = redis.call('HGET', KEYS[1], '.')
      local at = struct.unpack('>d', meta, 89) - ${2 * HOUR_MS}
      redis.call('HSET', KEYS[1], '.', string.sub(meta, 1, 88) .. struct.pack('>d', at) .. string.sub(meta, 97))
      return string.format('%.0f', at)`;
    const at = Number(await runCommand(server, "EVAL", age, "1", job));
    expect(Math.abs(at + HOUR_MS - Date.now())).toBeLessThan(60_000);
    await store.write("a", change({ message: "one" }, { leaseMs: HOUR_MS }));
    expect(await runCommand(server, "ZRANGE", due, "0", "-1")).toEqual(["a"]);
    expect(await store.sweep(Date.now() + 1.5 * HOUR_MS, 10)).toMatchObject({ stale: 1 });
  });

  test("given a renewed lease, keeps the job's score in the index until a sweep corrects it", async () => {
    const { store, prefix } = storeOn(opened);
    await store.create(draft("a"));
    const due = await keyOf(prefix, ":due");
    const dueAt = async (): Promise<number> => Number(await runCommand(server, "ZSCORE", due, "a"));
    await store.write("a", change({}, { leaseMs: HOUR_MS }));
    const first = await dueAt();
    expect(Math.abs(first - HOUR_MS - Date.now())).toBeLessThan(60_000);
    await store.write("a", change({ message: "one" }, { leaseMs: 3 * HOUR_MS }));
    expect(await dueAt()).toBe(first);
    const nothing = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };
    expect(await store.sweep(first + 1, 1)).toEqual(nothing);
    expect((await dueAt()) - first).toBeGreaterThan(1.9 * HOUR_MS);
    await store.write("a", change({}, { leaseMs: 1000 }));
    expect(await dueAt()).toBeLessThan(first);
  });

  test("given more due jobs than the limit of a sweep, several sweeps mark and end each job once", async () => {
    const { store } = storeOn(opened);
    const ids = Array.from({ length: 500 }, (_, by) => `job-${by}`);
    await Promise.all(ids.map((id) => store.create(draft(id))));
    await Promise.all(ids.map((id) => store.write(id, change({}, { leaseMs: 1000 }))));
    const begun = Date.now();
    for (const [transition, after] of [
      ["stale", HOUR_MS],
      ["lost", 2 * HOUR_MS],
    ] as const) {
      let swept = 0;
      for (let rounds = 0; rounds < 40; rounds += 1) {
        const reports = await Promise.all([1, 2].map(() => store.sweep(begun + after, 37)));
        for (const report of reports) {
          expect(report[transition]).toBeLessThanOrEqual(37);
          swept += report[transition];
        }
        if (reports.every(({ more }) => !more)) break;
      }
      expect([transition, swept]).toEqual([transition, 500]);
    }
  });
});
