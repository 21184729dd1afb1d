import type { ProgressStore } from "@emlinh/progress-server";
import type { NodeRedisEval } from "@emlinh/progress-server/stores/redis";
import fc from "fast-check";
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
import { draft, storeOn } from "./redis-kit.js";
import { interceptedClient } from "./redis-lists-kit.js";

const DAYS_MS = 10 * 86_400_000;
/** Added to the age of each entry, as if the time had passed. */
const AGE_MS = 120_000;
/** The argument of a creation that has the time until which it is accepted. */
const CREATE_BEFORE = 7;

/** The fate of a script: its call, or its answer, is lost with the connection, or the call arrives later. */
type Fault = "none" | "call" | "answer" | "late";
const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fault>("none") },
  fc.constantFrom<Fault[]>("call", "answer", "late"),
);

const STEPS = [
  "create",
  "create with a key",
  "remove",
  "expire",
  "list",
  "age",
  "deliver",
] as const;
const step = fc.record({
  what: fc.constantFrom(...STEPS),
  job: fc.integer({ min: 0, max: 8 }),
  faults: fc.array(fault, { minLength: 6, maxLength: 6 }),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const jobIdOf = (job: number): string => `job-${job}`;
/** Each job has one or two subjects, and drafts with the same key have the same. */
const subjectsOf = (job: number): string[] =>
  ["all", `user:${job % 3}`].slice(job % 3 === 2 ? 1 : 0);
const SUBJECTS = ["all", "user:0", "user:1", "user:2"];

interface HeldCall {
  readonly options: NodeRedisEval;
  readonly run: (options: NodeRedisEval) => Promise<unknown>;
}

/** A store whose calls to Redis are lost or late as a test says. */
function faultyStore(opened: OpenedClient, prefix: string) {
  let faults: Fault[] = [];
  let held: HeldCall[] = [];
  const client = interceptedClient(opened, async (options, run) => {
    const fate = faults.shift() ?? "none";
    if (fate === "late") held.push({ options, run });
    if (fate === "answer") await run(options).catch(String);
    if (fate !== "none") throw new Error("Socket closed unexpectedly");
    return run(options);
  });
  return {
    store: storeOn(client, { prefix }).store,
    injectFaults(next: readonly Fault[]) {
      faults = [...next];
    },
    /** Calls that arrive now. A script that the server does not know changes nothing. */
    async deliver() {
      const late = held;
      held = [];
      for (const { options, run } of late) await run(options).catch(String);
    },
    /** A creation that is still under way is refused from now on, because the server's time has passed. */
    age() {
      for (const { options } of held)
        if (options.keys[0]?.includes(":job:") && options.arguments[CREATE_BEFORE] !== undefined)
          options.arguments[CREATE_BEFORE] = "1";
    },
  };
}

describe.skipIf(REDIS_MISSING !== undefined)("the lists of redisStore while calls are lost", () => {
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

  async function ageEntries(prefix: string): Promise<void> {
    const script = `
      for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
        redis.call('ZINCRBY', KEYS[1], ${-1_000 * AGE_MS}, entry)
      end`;
    for (const key of await keysIn(server, `${prefix}:*:list:*`))
      await runCommand(server, "EVAL", script, "1", key);
  }

  async function take(
    faulty: ReturnType<typeof faultyStore>,
    prefix: string,
    each: Step,
  ): Promise<void> {
    const { store } = faulty;
    const id = jobIdOf(each.job);
    const made = draft(id, { subjects: subjectsOf(each.job) });
    faulty.injectFaults(each.faults);
    const calls: Record<Step["what"], () => Promise<unknown>> = {
      create: () => store.create(made),
      "create with a key": () => store.create({ ...made, key: `key-${each.job % 3}` }),
      remove: () => store.remove(id),
      expire: () => store.sweep(Date.now() + DAYS_MS, 2),
      list: () => store.list(subjectsOf(each.job)[0] ?? "", { limit: 2 }),
      async age() {
        faulty.age();
        await ageEntries(prefix);
      },
      deliver: () => faulty.deliver(),
    };
    expect(await codeOf(calls[each.what]())).toMatch(/^(none|store-unavailable|invalid-change)$/);
    faulty.injectFaults([]);
  }

  /** The kept jobs of a subject. */
  async function keptJobs(store: ProgressStore, subject: string): Promise<readonly string[]> {
    const kept: string[] = [];
    for (let job = 0; job <= 8; job += 1) {
      const delta = await store.read(jobIdOf(job)).catch(() => undefined);
      if (delta !== undefined && subjectsOf(job).includes(subject)) kept.push(jobIdOf(job));
    }
    return kept;
  }

  async function checkLists(store: ProgressStore, prefix: string): Promise<void> {
    await ageEntries(prefix);
    for (const subject of SUBJECTS) {
      const kept = await keptJobs(store, subject);
      const { jobs, next } = await store.list(subject, { limit: 50 });
      expect([[...jobs].sort(), next]).toEqual([kept, undefined]);
      await until("no other entry is left", async () => {
        const [key] = await keysIn(server, `${prefix}:*:list:"${subject}"`);
        const count = key === undefined ? 0 : Number(await runCommand(server, "ZCARD", key));
        return count === kept.length;
      });
    }
  }

  test("given calls that are lost or late, lists exactly the kept jobs, and removes each other entry", async () => {
    const { store, prefix: space } = storeOn(opened);
    // The server gets to know the scripts.
    await store.create(draft("a", { key: "k", subjects: ["x", "y"] }));
    await store.list("x", { limit: 1 });
    await store.sweep(undefined, 1);
    await store.remove("a");
    let runs = 0;
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      runs += 1;
      const prefix = `${space}-${runs}`;
      const faulty = faultyStore(opened, prefix);
      for (const each of steps) await take(faulty, prefix, each);
      await faulty.deliver();
      await checkLists(storeOn(opened, { prefix }).store, prefix);
    });
    await fc.assert(property, { numRuns: 40, includeErrorInReport: true });
  });
});
