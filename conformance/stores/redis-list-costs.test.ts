import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redisKeys } from "../../packages/server/src/stores/redis/keys.js";
import { REDIS_MISSING, type RedisServer, startRedis } from "../servers/redis.js";
import { type OpenedClient, SINGLE_CLIENTS } from "./redis-clients.js";
import { draft, storeOn } from "./redis-kit.js";
import { countCommands, listOnServer, SUBJECT } from "./redis-lists-kit.js";
import { packRecord } from "./redis-record.js";

const LIMIT = 50;
const EPOCH = "0123456789abcdef01234567";
/** The most commands of one page: one script and one look per job, and two for the list. */
const MOST_COMMANDS = 2 * (LIMIT + 1) + 3;

const OF_THE_TEST: ReadonlySet<string> = new Set(["client", "config", "hello", "info"]);

describe.skipIf(REDIS_MISSING !== undefined)("the cost of a page of redisStore", () => {
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

  /** Stores jobs as the store does, thousands with one command. */
  async function addJobs(prefix: string, from: number, to: number): Promise<void> {
    const client = await createClient({ url: server.url }).connect();
    const names = redisKeys(prefix);
    const record = packRecord({ version: 1, attempt: 1, epoch: EPOCH });
    const script = "for at = 1, #KEYS do redis.call('HSET', KEYS[at], '.', ARGV[1]) end";
    const jobs = Array.from({ length: to - from }, (_, by) => names.of(`job-${from + by}`).job);
    for (let at = 0; at < jobs.length; at += 5_000)
      await client.eval(script, { keys: jobs.slice(at, at + 5_000), arguments: [record] });
    const entries = jobs.map((_, by) => ({
      value: `job-${from + by}.${EPOCH}`,
      score: from + by + 1,
    }));
    await client.zAdd(names.ofSubject(SUBJECT).list, entries);
    client.destroy();
  }

  test("given 100,000 jobs of a subject, a page costs as many commands as with 100 jobs", async () => {
    const { store, prefix } = storeOn(opened);
    // The first calls send the scripts.
    await store.create(draft("first", { subjects: ["user:0"] }));
    await store.list("user:0", { limit: LIMIT });
    let total = 0;
    for (const count of [100, 100_000]) {
      await addJobs(prefix, total, count);
      total = count;
      for (const newest of [count, count / 2, LIMIT + 1]) {
        const expected = Array.from({ length: LIMIT }, (_, by) => `job-${newest - 1 - by}`);
        const before = newest === count ? undefined : String(newest + 1);
        let page: unknown;
        const costs = await countCommands(server, async () => {
          page = await store.list(SUBJECT, { limit: LIMIT, before });
        });
        expect(page).toMatchObject({ jobs: expected.slice(0, newest) });
        const read = Math.min(newest, LIMIT + 1);
        expect(costs).toMatchObject({ zrevrangebyscore: 1, hget: read, time: 1 });
        const own = Object.entries(costs).filter(([name]) => !OF_THE_TEST.has(name));
        const commands = own.reduce((sum, [, runs]) => sum + runs, 0);
        expect(commands).toBeLessThanOrEqual(MOST_COMMANDS);
      }
    }
  });

  test("given thousands of entries without a job, a page reads some of them, and the next pages the rest", async () => {
    const { store, prefix } = storeOn(opened);
    await store.create(draft("a", { subjects: [SUBJECT] }));
    const list = await listOnServer(server, prefix);
    await list.addStrays(9_000, 20_000);
    const oldest = draft("b", { subjects: [SUBJECT] });
    await store.create(oldest);
    const seen: string[] = [];
    let before: string | undefined;
    let pages = 0;
    do {
      const costs = await countCommands(server, async () => {
        const page = await store.list(SUBJECT, { limit: LIMIT, before });
        seen.push(...page.jobs);
        before = page.next;
      });
      expect(costs.hget ?? 0).toBeLessThan(4_000);
      pages += 1;
    } while (before !== undefined);
    expect(seen).toEqual(["b", "a"]);
    expect(pages).toBeGreaterThan(2);
  });
});
