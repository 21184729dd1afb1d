import { describe, expect, test } from "vitest";
import {
  allowAnyone,
  createProgress,
  defineJob,
  memoryStore,
  ProgressError,
} from "../../src/index.js";
import { makeContext, useFakeTime } from "./context.js";

useFakeTime();

const step = { id: "a", title: "A", weight: 1 };
const throwing = new Proxy({}, { get: () => fail(), ownKeys: () => fail() });

function fail(): never {
  throw new TypeError("a proxy of the caller");
}

describe("create from untyped code", () => {
  test.each<[wrong: string, input: unknown, named: RegExp]>([
    ["the id 42", { kind: "k", id: 42 }, /id is 42/],
    ["the id null", { kind: "k", id: null }, /id is null/],
    ["an id of a symbol", { kind: "k", id: Symbol("id") }, /id is Symbol\(id\)/],
    ["the key 42", { kind: "k", key: 42 }, /key is 42/],
    ["the key null", { kind: "k", key: null }, /key is null/],
    ["the percent NaN", { kind: "k", percent: Number.NaN }, /no option "percent"/],
    ["the message 5", { kind: "k", message: 5 }, /message is 5/],
    ["a message object", { kind: "k", message: { text: "x" } }, /message is an object/],
    ["the plan null", { kind: "k", plan: null }, /plan is null/],
    ["a plan object", { kind: "k", plan: { a: step } }, /plan is an object/],
    ["a plan of a Set", { kind: "k", plan: new Set([step]) }, /plan is a Set/],
    ["a step null", { kind: "k", plan: [null] }, /a step of the plan is null/],
    ["a step without an id", { kind: "k", plan: [{}] }, /id of a plan step is undefined/],
    [
      "a step that is a wrong id",
      { kind: "k", plan: ["render it"] },
      /id of a plan step is "?render it/,
    ],
    ["a weight of a text", { kind: "k", plan: [{ ...step, weight: "2" }] }, /weight.*is "?2/],
    ["a weight of a symbol", { kind: "k", plan: [{ ...step, weight: Symbol("w") }] }, /weight/],
    ["a weight of a bigint", { kind: "k", plan: [{ ...step, weight: 2n }] }, /weight/],
    ["metadata of functions", { kind: "k", metadata: { run: () => {} } }, /metadata\.run/],
    [
      "metadata of a Date",
      { kind: "k", metadata: { at: new Date(0) } },
      /metadata\.at.*Date.*toISOString/,
    ],
    ["metadata of NaN", { kind: "k", metadata: { size: Number.NaN } }, /metadata\.size/],
    [
      "metadata that is a Map",
      { kind: "k", metadata: new Map([["a", 1]]) },
      /metadata is a Map.*fromEntries/,
    ],
    ["metadata that is an array", { kind: "k", metadata: [1] }, /metadata is an Array/],
    ["metadata null", { kind: "k", metadata: null }, /metadata is null/],
    ["metadata of 10,000 keys", { kind: "k", metadata: manyKeys(10_000) }, /more than 1000 fields/],
    ["size null", { kind: "k", size: null }, /size is null; it must be a number above 0/],
    ["size of a text", { kind: "k", size: "30" }, /size is "?30/],
    ["deadlineMs null", { kind: "k", deadlineMs: null }, /deadlineMs is null/],
    ["deadlineMs of a text", { kind: "k", deadlineMs: "1000" }, /deadlineMs is "?1000/],
    ["deadlineMs of a Date", { kind: "k", deadlineMs: new Date() }, /deadlineMs is a Date/],
    ["the kind 42", { kind: 42 }, /kind is 42/],
    ["a kind of an array", { kind: ["k"] }, /kind is an Array/],
    ["a definition that is a text", { definition: "video" }, /definition is "?video/],
    ["a definition without a kind", { definition: {} }, /definition is an object.*defineJob\(\)/],
    ["a missing import", { definition: undefined }, /definition is undefined.*defineJob\(\)/],
    [
      "a schema that is no validator",
      { definition: { kind: "k", plan: [], metadata: { topic: "string" } } },
      /metadata of the definition is an object.*a validator/,
    ],
    ["null", null, /options object is null/],
    ["nothing", undefined, /options object is undefined/],
    ["a text", "video", /options object is "?video/],
    ["an array", [{ kind: "k" }], /options object is an Array/],
    ["a misspelt key", { kind: "k", ky: "x" }, /no option "ky"; did you mean "key"\?/],
    ["a misspelt metadata", { kind: "k", metaData: {} }, /"metaData"; did you mean "metadata"\?/],
    [
      "a misspelt deadline",
      { kind: "k", deadline_ms: 5 },
      /"deadline_ms"; did you mean "deadlineMs"\?/,
    ],
    ["a proxy that throws", throwing, /an object that can't be read/],
    [
      "a getter that throws",
      {
        kind: "k",
        get plan() {
          return fail();
        },
      },
      /could not be read/,
    ],
  ])(
    "given %s, throws a ProgressError that names it, and stores nothing",
    async (_name, input, named) => {
      const { progress, store } = makeContext();
      const error: unknown = await progress.create(input as never).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(ProgressError);
      expect(["invalid-option", "invalid-change", "too-large"]).toContain(
        (error as ProgressError).code,
      );
      expect((error as ProgressError).message).toMatch(named);
      expect(store.calls.create).toBe(0);
    },
  );

  test("given a validator that throws, throws a ProgressError with its error as the cause", async () => {
    const { progress } = makeContext();
    const cause = new TypeError("a fault in the schema");
    const validate = () => {
      throw cause;
    };
    const metadata = { "~standard": { version: 1 as const, vendor: "test", validate } };
    const definition = defineJob({ kind: "k", metadata });
    await expect(progress.create({ definition })).rejects.toMatchObject({
      code: "invalid-change",
      cause,
    });
  });
});

function manyKeys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, index]));
}

describe("ids of untyped code", () => {
  const methods = ["open", "status", "update", "cancel", "end", "remove", "watch"] as const;
  test.each(
    methods.flatMap((method) =>
      [42, null, undefined, "a b", {}, Symbol("id")].map((id) => [method, id] as const),
    ),
  )("given %s(%s), throws invalid-option and names the id", async (method, id) => {
    const { progress, store } = makeContext();
    const call = progress[method] as (...args: unknown[]) => Promise<unknown>;
    await expect(call(id, method === "watch" ? () => {} : "failed")).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(`${method}: the job id is`),
      details: { name: "jobId" },
    });
    expect(store.calls).toMatchObject({ read: 0, write: 0, watch: 0 });
  });
});

describe("options of untyped code", () => {
  test.each<[string, unknown]>([
    ['there is no option "leasMs"; did you mean "leaseMs"?', { leasMs: 5_000 }],
    ['there is no option "takeover"; did you mean "takeOver"?', { takeover: true }],
    ["takeOver is 1", { takeOver: 1 }],
    ["attempt is 2", { attempt: 2 }],
    ["signal is an object", { signal: {} }],
    ["signal is null", { signal: null }],
    ['definition is "k"', { definition: "k" }],
    ['the options object is "next"', "next"],
    ["the options object is null", null],
  ])("given open with wrong options, throws: open: %s", async (message, options) => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    await expect(progress.open(id, options as never)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(`open: ${message}`),
    });
    expect(store.calls.write).toBe(0);
    expect(progress.metrics().reporters).toBe(0);
  });

  test.each<[string, unknown, unknown]>([
    ['there is no option "rethrows"; did you mean "rethrow"?', () => {}, { rethrows: true }],
    ['rethrow is "yes"', () => {}, { rethrow: "yes" }],
    ["work is an object", {}, undefined],
    ["work is undefined", undefined, undefined],
  ])("given run with wrong arguments, throws: run: %s", async (message, work, options) => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    await expect(progress.run(id, work as never, options as never)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(`run: ${message}`),
    });
    expect(store.calls.write).toBe(0);
  });

  test.each<[string, unknown]>([
    ['there is no option "mesage"; did you mean "message"?', { mesage: "x" }],
    ["message is 5", { message: 5 }],
    ["the options object is a Map", new Map()],
  ])(
    "given end or requeue with wrong options, throws: %s, and the job stays open",
    async (message, options) => {
      const { progress, createJob } = makeContext();
      const job = await progress.open(await createJob());
      const wrong = options as never;
      for (const [method, call] of [
        ["end", () => job.end("failed", wrong)],
        ["requeue", () => job.requeue(wrong)],
        ["end", () => progress.end(job.id, "failed", wrong)],
      ] as const) {
        await expect(call()).rejects.toMatchObject({
          code: "invalid-option",
          message: expect.stringContaining(`${method}: ${message}`),
        });
      }
      expect(await progress.status(job.id)).toMatchObject({ status: "running" });
      await job.complete(null);
    },
  );

  test("given watch without a function, throws invalid-option", async () => {
    const { progress, createJob } = makeContext();
    const watching = progress.watch(await createJob(), "x" as never);
    await expect(watching).rejects.toMatchObject({ code: "invalid-option" });
    expect(progress.metrics().watchedJobs).toBe(0);
  });

  test.each<[RegExp, unknown]>([
    [/no option "heartBeatMs"; did you mean "heartbeatMs"\?/, { heartBeatMs: 5 }],
    [/no option "leaseTime"; (did you mean|known are)/, { leaseTime: 5 }],
    [/no option "onerror"; did you mean "onError"\?/, { onerror: () => {} }],
  ])("given createProgress with a misspelt option, throws: %s", (message, wrong) => {
    const options = { store: memoryStore(), authorize: allowAnyone, ...(wrong as object) };
    expect(() => createProgress(options)).toThrow(
      expect.objectContaining({ code: "invalid-option", message: expect.stringMatching(message) }),
    );
  });

  test.each([undefined, null, "x", []])(
    "given createProgress(%s), throws invalid-option",
    (options) => {
      expect(() => createProgress(options as never)).toThrow(
        expect.objectContaining({ code: "invalid-option" }),
      );
    },
  );
});
