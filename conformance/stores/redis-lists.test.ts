import type { NodeRedisEval } from "@emlinh/progress-server/stores/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  keysIn,
  REDIS_MISSING,
  type RedisServer,
  runCommand,
  startRedis,
} from "../servers/redis.js";
import { codeOf, until } from "./await-helpers.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { change, cutSubscribers, draft, storeOn } from "./redis-kit.js";
import { interceptedClient, listOnServer, SUBJECT } from "./redis-lists-kit.js";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ALL = { limit: 100 };
const listed = { subjects: [SUBJECT] };

function isCreation({ keys }: NodeRedisEval, jobId: string): boolean {
  return keys.length === 3 && keys[0]?.endsWith(`:job:${jobId}`) === true;
}

/** Whether the script adds an entry to a list. */
function isAddition({ keys, arguments: args }: NodeRedisEval): boolean {
  return keys[0]?.includes(":list:") === true && args.length === 3;
}

describe.skipIf(REDIS_MISSING !== undefined)("the lists of redisStore", () => {
  let server: RedisServer;
  let opened: OpenedClient;
  beforeAll(async () => {
    server = await startRedis();
    opened = await (SINGLE_CLIENTS[0] as (typeof SINGLE_CLIENTS)[number]).open(server);
  });
  afterAll(async () => {
    opened?.close();
    await server?.stop();
  });

  describe("a creation that is interrupted", () => {
    test("given a creation that arrives late, lists the job from then on, and not before", async () => {
      let deliver: (() => Promise<unknown>) | undefined;
      const cut = interceptedClient(opened, async (options, run) => {
        if (!isCreation(options, "late")) return run(options);
        deliver = () => run(options);
        throw new Error("Socket closed unexpectedly");
      });
      const { store, prefix } = storeOn(cut);
      await store.create(draft("a", listed));
      expect(await codeOf(store.create(draft("late", listed)))).toBe("store-unavailable");
      expect(await store.list(SUBJECT, ALL)).toEqual({ jobs: ["a"], next: undefined });
      expect(await (await listOnServer(server, prefix)).entries()).toHaveLength(2);
      await deliver?.();
      expect((await store.list(SUBJECT, ALL)).jobs).toEqual(["late", "a"]);
    });

    test("given entries without a job, removes those older than a minute, and wakes", async () => {
      const { store, prefix } = storeOn(opened);
      await store.create(draft("a", listed));
      const list = await listOnServer(server, prefix);
      let wakes = 0;
      await store.watch({ subject: SUBJECT }, () => {
        wakes += 1;
      });
      await list.addStrays(3, MINUTE_MS - 10_000);
      expect((await store.list(SUBJECT, ALL)).jobs).toEqual(["a"]);
      expect(await list.entries()).toHaveLength(4);
      expect(wakes).toBe(0);
      await list.addStrays(3, MINUTE_MS);
      expect((await store.list(SUBJECT, ALL)).jobs).toEqual(["a"]);
      await until("they are removed", async () => (await list.entries()).length === 1);
      await until("the watch is woken", () => wakes === 1);
    });

    test("given a process that was frozen between an entry and its job, lists the job with a new entry", async () => {
      let frozenMs = 0;
      let additions = 0;
      const frozen = interceptedClient(opened, async (options, run) => {
        const reply = await run(options);
        if (!isAddition(options)) return reply;
        additions += 1;
        const [position, ...others] = reply as readonly unknown[];
        return [String(Number(position) - frozenMs * 1_000), ...others];
      });
      const { store, prefix } = storeOn(frozen);
      await store.create(draft("a", listed));
      const entries = async () => (await listOnServer(server, prefix)).entries();
      const [first] = await entries();
      expect(additions).toBe(1);
      frozenMs = MINUTE_MS;
      expect(await store.create(draft("b", listed))).toMatchObject({ created: true });
      expect(additions).toBe(3);
      const { cursor } = (await store.read("b")) ?? {};
      expect(await entries()).toEqual([`b.${cursor?.split(".")[0]}`, first]);
      expect((await store.list(SUBJECT, ALL)).jobs).toEqual(["b", "a"]);
    });
  });

  describe("a draft that creates no job", () => {
    test("given a known key, keeps the subjects of its job, and leaves no entry", async () => {
      const { store, prefix } = storeOn(opened);
      await store.create(draft("a", { key: "k", ...listed }));
      const again = draft("b", { key: "k", subjects: [SUBJECT, "user:2"] });
      expect(await store.create(again)).toMatchObject({ jobId: "a", created: false });
      expect(await store.list(SUBJECT, ALL)).toEqual({ jobs: ["a"], next: undefined });
      expect(await store.list("user:2", ALL)).toEqual({ jobs: [], next: undefined });
      expect(await (await listOnServer(server, prefix)).entries()).toHaveLength(1);
    });

    test("given the id of another job, that job never appears in the subject's list", async () => {
      const { store, prefix } = storeOn(opened);
      const pages: unknown[] = [];
      const watched = interceptedClient(opened, async (options, run) => {
        const reply = await run(options);
        if (isAddition(options)) pages.push(await store.list("user:2", ALL));
        return reply;
      });
      await store.create(draft("a", listed));
      const other = storeOn(watched, { prefix }).store;
      const taken = draft("a", { subjects: ["user:2"] });
      expect(await codeOf(other.create(taken))).toBe("invalid-change");
      expect(pages).toEqual([{ jobs: [], next: undefined }]);
      expect(await keysIn(server, `${prefix}:*:list:"user:2"`)).toEqual([]);
      expect((await store.list(SUBJECT, ALL)).jobs).toEqual(["a"]);
    });

    test("given an id that is used again after a removal, has the job at its new place", async () => {
      const { store, prefix } = storeOn(opened);
      for (const id of ["a", "b"]) await store.create(draft(id, listed));
      const list = await listOnServer(server, prefix);
      const [, entryOfA = ""] = await list.entries();
      const position = String(await list.positionOf("a"));
      await store.remove("a");
      // As if the process had died before it removed the entry.
      await runCommand(server, "ZADD", list.key, position, entryOfA);
      await store.create(draft("a", listed));
      expect((await store.list(SUBJECT, ALL)).jobs).toEqual(["a", "b"]);
    });
  });

  test("given 1,000 concurrent creations and removals, lists exactly the jobs that are left", async () => {
    const { store, prefix } = storeOn(opened);
    const ids = Array.from({ length: 1_000 }, (_, by) => `job-${by}`);
    const kept = new Set(ids.filter((_, by) => by % 2 === 0));
    const paging = (async () => {
      for (let rounds = 0; rounds < 20; rounds += 1) {
        const { jobs } = await store.list(SUBJECT, { limit: 50 });
        expect(new Set(jobs).size).toBe(jobs.length);
      }
    })();
    await Promise.all(
      ids.map(async (id) => {
        await store.create(draft(id, listed));
        if (!kept.has(id)) await store.remove(id);
      }),
    );
    await paging;
    const seen: string[] = [];
    let before: string | undefined;
    do {
      const { jobs, next } = await store.list(SUBJECT, { limit: 33, before });
      seen.push(...jobs);
      before = next;
    } while (before !== undefined);
    expect(seen.length).toBe(kept.size);
    expect(new Set(seen)).toEqual(kept);
    expect(await (await listOnServer(server, prefix)).entries()).toHaveLength(kept.size);
  });

  test("given a job that Redis removed by itself, does not list it, and a page still has its limit", async () => {
    const { store, prefix } = storeOn(opened);
    for (const id of ["a", "b", "c", "d"]) await store.create(draft(id, listed));
    for (const id of ["b", "d"])
      for (const key of await keysIn(server, `${prefix}:*:job:${id}`))
        await runCommand(server, "DEL", key);
    expect(await store.list(SUBJECT, { limit: 2 })).toEqual({ jobs: ["c", "a"], next: undefined });
  });

  test("given removed jobs, leaves no list", async () => {
    const { store, prefix } = storeOn(opened);
    for (const id of ["a", "b"]) await store.create(draft(id, { subjects: [SUBJECT, "x"] }));
    await store.write("b", change({ status: "completed" }));
    expect(await store.remove("a")).toBe(true);
    expect(await store.sweep(Date.now() + 3 * HOUR_MS, 10)).toMatchObject({ expired: 1 });
    expect(await keysIn(server, `${prefix}:*:list:*`)).toEqual([]);
  });

  test("given a list that nobody reads, new jobs remove entries of jobs that are gone", async () => {
    const { store, prefix } = storeOn(opened);
    await store.create(draft("a", listed));
    const list = await listOnServer(server, prefix);
    await list.addStrays(200, HOUR_MS);
    for (let by = 0; by < 300; by += 1) await store.create(draft(`job-${by}`, listed));
    const strays = async (): Promise<number> =>
      (await list.entries()).filter((entry) => entry.startsWith("stray-")).length;
    await until("most are gone", async () => (await strays()) < 100);
  });

  test("given a list that was lost, the next sweep of a job puts it back at its place, and wakes", async () => {
    const { store, prefix } = storeOn(opened);
    for (const id of ["a", "b", "c"]) {
      await store.create(draft(id, listed));
      await store.write(id, change({}, { leaseMs: HOUR_MS }));
    }
    const list = await listOnServer(server, prefix);
    const position = await list.positionOf("b");
    await runCommand(server, "DEL", list.key);
    expect((await store.list(SUBJECT, ALL)).jobs).toEqual([]);
    let wakes = 0;
    await store.watch({ subject: SUBJECT }, () => {
      wakes += 1;
    });
    expect(await store.sweep(Date.now() + 1.5 * HOUR_MS, 10)).toMatchObject({ stale: 3 });
    expect((await store.list(SUBJECT, ALL)).jobs).toEqual(["c", "b", "a"]);
    expect(await list.positionOf("b")).toBe(position);
    await until("the watch is woken", () => wakes === 3);
  });

  test("given a list that can't be reached, a sweep ends the job and reports the end", async () => {
    const cut = interceptedClient(opened, (options, run) =>
      options.keys[0]?.includes(":list:")
        ? Promise.reject(new Error("Socket closed unexpectedly"))
        : run(options),
    );
    const { store, prefix } = storeOn(opened);
    const ends: unknown[] = [];
    await store.create(draft("a", { ...listed, deadlineMs: 1_000 }));
    const sweep = storeOn(cut, { prefix }).store.sweep;
    const swept = sweep(Date.now() + HOUR_MS, 10, (end) => ends.push(end));
    expect(await codeOf(swept)).toBe("store-unavailable");
    expect(ends).toEqual([{ jobId: "a", status: "timed-out" }]);
  });

  test("given a job that runs for long, the sweeps keep its list", async () => {
    const { store, prefix } = storeOn(opened, { ttlMs: HOUR_MS, idleTtlMs: HOUR_MS });
    await store.create(draft("a", listed));
    const { key } = await listOnServer(server, prefix);
    const ttlMs = async (): Promise<number> => Number(await runCommand(server, "PTTL", key));
    expect(await ttlMs()).toBeGreaterThan(2 * HOUR_MS);
    await store.write("a", change({}, { leaseMs: 10 * HOUR_MS }));
    await store.sweep(Date.now() + 1.5 * HOUR_MS, 10);
    expect(await ttlMs()).toBeGreaterThan(11 * HOUR_MS);
  });

  test("given a server whose memory is full, lists jobs, keeps lists, and removes jobs from them", async () => {
    const { store, prefix } = storeOn(opened);
    for (const id of ["a", "b", "c"]) await store.create(draft(id, listed));
    await store.write("a", change({}, { leaseMs: HOUR_MS }));
    const list = await listOnServer(server, prefix);
    const entryOfA = (await list.entries())[2] ?? "";
    await runCommand(server, "ZREM", list.key, entryOfA);
    await runCommand(server, "CONFIG", "SET", "maxmemory", "1");
    try {
      await expect(store.create(draft("d", listed))).rejects.toThrow(/OOM/);
      expect(await store.remove("c")).toBe(true);
      expect(await store.sweep(Date.now() + 1.5 * HOUR_MS, 10)).toMatchObject({ stale: 1 });
      expect((await store.list(SUBJECT, ALL)).jobs).toEqual(["b", "a"]);
    } finally {
      await runCommand(server, "CONFIG", "SET", "maxmemory", "0");
    }
  });

  test("given a subscriber that lost its connection, wakes the watchers of subjects", async () => {
    const { store } = storeOn(opened);
    let wakes = 0;
    await store.watch({ subject: SUBJECT }, () => {
      wakes += 1;
    });
    expect(await cutSubscribers(server)).toBeGreaterThan(0);
    await until("the watch is woken", () => wakes > 0);
    const before = wakes;
    await store.create(draft("a", listed));
    await until("the watch is woken again", () => wakes > before);
  });

  test("given subjects with any characters, each has its own list", async () => {
    const { store } = storeOn(opened);
    const subjects = ["a", "a}", "{a}", "a:list", '"a"', "\ud800", "\ud801", "a*", ""];
    for (const [by, subject] of subjects.entries())
      await store.create(draft(`job-${by}`, { subjects: [subject] }));
    for (const [by, subject] of subjects.entries())
      expect(await store.list(subject, ALL)).toEqual({ jobs: [`job-${by}`], next: undefined });
  });
});
