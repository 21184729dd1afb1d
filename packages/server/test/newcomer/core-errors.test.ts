import { describe, test } from "vitest";
import {
  allowAnyone,
  createProgress,
  defineJob,
  JobFailure,
  memoryStore,
  typed,
} from "../../src/index.js";
import { storeSuite } from "../../src/testing/index.js";
import {
  expectClearError,
  type Newcomer,
  REDIS_URL,
  type Untyped,
  type WrongCall,
  withOptions,
} from "./wrong-calls.js";

const STORE = "must be a store, such as memoryStore()";
const AUTHORIZE = "must be a function, such as allowAnyone";
const untyped: Untyped = { createProgress, defineJob, JobFailure, memoryStore, storeSuite };
const runner = Object.assign(() => {}, { skip: () => {} });

const CREATE_PROGRESS: readonly WrongCall[] = [
  [
    "no options",
    ["options object is undefined", "createProgress({ store, authorize })"],
    () => untyped.createProgress(),
  ],
  ["options {}", ["store is undefined", STORE], () => untyped.createProgress({})],
  [
    "a store as the options",
    ['no option "maxLogLines"', '"store"'],
    () => untyped.createProgress(memoryStore()),
  ],
  [
    "store: memoryStore",
    ['the function "memoryStore", which was not called', STORE],
    () => withOptions({ store: memoryStore }),
  ],
  [
    "store: class",
    ['the class "Store", not an instance', STORE],
    () => withOptions({ store: class Store {} }),
  ],
  ["store: new Map()", ["store is a Map", STORE], () => withOptions({ store: new Map() })],
  [
    "store: a promise",
    ["a Promise that was not awaited", STORE],
    () => withOptions({ store: Promise.resolve() }),
  ],
  ["store: a name", ['store is "memory"', STORE], () => withOptions({ store: "memory" })],
  ["store: a URL", ['"redis://…@localhost:6379"', STORE], () => withOptions({ store: REDIS_URL })],
  ["store: {}", ["store is an object", STORE], () => withOptions({ store: {} })],
  [
    "store: half a store",
    ["no method create()", "memoryStore()"],
    () => withOptions({ store: { read() {} } }),
  ],
  [
    "no authorize",
    ["authorize is undefined", AUTHORIZE],
    () => untyped.createProgress({ store: memoryStore() }),
  ],
  ["authorize: true", ["authorize is true", AUTHORIZE], () => withOptions({ authorize: true })],
  [
    "authorize: {}",
    ["authorize is an object", AUTHORIZE],
    () => withOptions({ authorize: { allow: true } }),
  ],
  [
    "authorize: allowAnyone()",
    ["authorize is false", AUTHORIZE],
    () => withOptions({ authorize: (allowAnyone as Untyped)() }),
  ],
  ["heartbeat", ['no option "heartbeat"', '"heartbeatMs"'], () => withOptions({ heartbeat: 5 })],
  [
    "heartbeatMs: text",
    ['heartbeatMs is "15"', "number of milliseconds"],
    () => withOptions({ heartbeatMs: "15" }),
  ],
  [
    "heartbeatMs: NaN",
    ["heartbeatMs is NaN", "number of milliseconds"],
    () => withOptions({ heartbeatMs: Number.NaN }),
  ],
  [
    "onError: text",
    ['onError is "log"', "must be a function"],
    () => withOptions({ onError: "log" }),
  ],
  ["clock: a number", ["clock is 5", "must be a function"], () => withOptions({ clock: 5 })],
  [
    "trustedOrigins: text",
    ['is "https://a.example"', "an array"],
    () => withOptions({ trustedOrigins: "https://a.example" }),
  ],
  [
    "trustedOrigins: *",
    ['trustedOrigins[0] is "*"', "scheme, host and port"],
    () => withOptions({ trustedOrigins: ["*"] }),
  ],
];

const create =
  (...input: unknown[]) =>
  ({ progress }: Newcomer) =>
    (progress as Untyped).create(...input);
const plan = (...steps: unknown[]) => create({ kind: "k", plan: steps });
const DEFINITION = "must be the value that defineJob() returns";
const ID = '1 to 64 letters, digits, "_" and "-"';

const CREATE: readonly WrongCall[] = [
  ["no job", ["options object is undefined", "create({ kind, plan })"], create()],
  ["a kind alone", ['options object is "video"', "create({ kind, plan })"], create("video")],
  ["no kind", ["kind is undefined", "a string of 1 to 256 characters"], create({})],
  ["an empty kind", ['kind is ""', "a string of 1 to 256 characters"], create({ kind: "" })],
  ["a type", ['no option "type"', '"kind"'], create({ type: "video" })],
  [
    "a plan of one text",
    ['plan is "script"', 'such as ["render"]'],
    create({ kind: "k", plan: "script" }),
  ],
  [
    "a plan of an object",
    ["plan is an object", 'such as ["render"]'],
    create({ kind: "k", plan: { a: 1 } }),
  ],
  [
    "a step undefined",
    ["a step of the plan is undefined", "{ id, title, weight }"],
    plan(undefined),
  ],
  ["a step of a pair", ["a step of the plan is an Array", "{ id, title, weight }"], plan(["a", 1])],
  ["a step without id", ["id of a plan step is undefined", ID], plan({ name: "a" })],
  [
    "an id with a space",
    ['id of a plan step is "my step"', ID],
    plan({ id: "my step", title: "A", weight: 1 }),
  ],
  [
    "a weight 0",
    ['weight of the plan step "a" is 0', "a positive number"],
    plan({ id: "a", title: "A", weight: 0 }),
  ],
  [
    "a title 5",
    ['title of the plan step "a" is 5', "a string"],
    plan({ id: "a", title: 5, weight: 1 }),
  ],
  [
    "a definition of a class",
    ['the class "Video"', DEFINITION],
    create({ definition: class Video {} }),
  ],
  ["a missing import", ["definition is undefined", DEFINITION], create({ definition: undefined })],
  [
    "a dynamic import",
    ["a Promise that was not awaited", DEFINITION],
    create({ definition: Promise.resolve({}) }),
  ],
  ["a definition {}", ["definition is an object", DEFINITION], create({ definition: {} })],
  [
    "a definition with typed not called",
    ['the function "typed", which was not called', "a validator, such as typed<Type>()"],
    create({ definition: defineJob({ kind: "k", metadata: typed as Untyped }) }),
  ],
  [
    "metadata of text",
    ['metadata is "x"', "must be an object"],
    create({ kind: "k", metadata: "x" }),
  ],
  [
    "a Date in metadata",
    ['"metadata.at" is a Date', "toISOString()"],
    create({ kind: "k", metadata: { at: new Date() } }),
  ],
  ["an id with a slash", ['id is "a/b"', "1 to 128 letters"], create({ kind: "k", id: "a/b" })],
];

const JOB = "a job that create() resolved with, or its id";
const method =
  (name: string, ...args: unknown[]) =>
  ({ progress }: Newcomer) =>
    (progress as Untyped)[name](...args);
const work =
  (report: (job: Untyped) => unknown) =>
  async ({ progress }: Newcomer) => {
    const job = await progress.create({ kind: "k", plan: [{ id: "a", title: "A", weight: 1 }] });
    await progress.run(job, report as Untyped, { rethrow: true });
  };

const JOBS: readonly WrongCall[] = [
  ["run(undefined)", ["run: the job id is undefined", JOB], method("run", undefined, () => {})],
  [
    "run(a promise)",
    ["a Promise that was not awaited", JOB],
    method("run", Promise.resolve({}), () => {}),
  ],
  ["run(work)", ["a function that was not called", JOB], method("run", () => {})],
  ["run(job)", ["work is undefined", "run(job, async (job) => {})"], method("run", "job")],
  [
    "run(job, a promise)",
    ["a Promise that was not awaited", "run(job, async"],
    method("run", "job", Promise.resolve()),
  ],
  ["open(null)", ["open: the job id is null", JOB], method("open", null)],
  ["open({})", ["open: the job id is an object", JOB], method("open", {})],
  [
    "status(job)",
    ["status: the job id is an object", "the id of a job"],
    method("status", { id: "job" }),
  ],
  ["watch(id)", ["listener is undefined", "watch(jobId, (job) => {})"], method("watch", "job")],
  ["end(id)", ["status is undefined", '"failed", "cancelled"'], method("end", "job")],
  [
    "end(id, completed)",
    ['status is "completed"', "reporter.complete(result)"],
    method("end", "job", "completed"),
  ],
  ["drain(5000)", ["options object is 5000", "must be an object"], method("drain", 5000)],
  ["step(id)", ["work is undefined", 'step("render", async'], work((job) => job.step("a"))],
  ["step(work)", ["work is undefined", 'step("render", async'], work((job) => job.step(() => {}))],
  [
    "an unknown step",
    ['no step "b"', "Add it to the plan"],
    work((job) => job.step("b", () => {})),
  ],
  ["update(50)", ["called with 50", '"percent"'], work((job) => job.update(50))],
  [
    "update({ percent }) with a plan",
    ["derived from its steps", "percent of a step"],
    work((job) => job.update({ percent: 5 })),
  ],
  [
    "update({ persent })",
    ['no member "persent"', '"percent"'],
    work((job) => job.update({ persent: 5 })),
  ],
  ["a result of a Date", ['"result" is a Date', "toISOString()"], work(() => new Date())],
];

const OTHERS: readonly WrongCall[] = [
  ["defineJob()", ["defineJob", "undefined", "a string kind"], () => untyped.defineJob()],
  ["defineJob(kind)", ["defineJob", "a string kind"], () => untyped.defineJob("video")],
  [
    "a plan of text",
    ["defineJob", "string", '["render"]'],
    () => untyped.defineJob({ kind: "k", plan: "a" }),
  ],
  [
    "JobFailure()",
    ["is undefined", "new JobFailure({ code, message })"],
    () => new untyped.JobFailure(),
  ],
  [
    "JobFailure(text)",
    ['is "No voice"', "new JobFailure({ code, message })"],
    () => new untyped.JobFailure("No voice"),
  ],
  [
    "JobFailure({ code })",
    ["message is undefined", "a string"],
    () => new untyped.JobFailure({ code: "x" }),
  ],
  [
    "storeSuite()",
    ["test is undefined", "test function of a test runner"],
    () => untyped.storeSuite(),
  ],
  [
    "storeSuite(test, store)",
    ["makeStore is an object", "a function that makes a store"],
    () => untyped.storeSuite(runner, memoryStore()),
  ],
  [
    "storeSuite without capabilities",
    ["options object is undefined", "storeSuite(test"],
    () => untyped.storeSuite(runner, () => {}),
  ],
  [
    "storeSuite with {}",
    ["shared is undefined", "true or false"],
    () => untyped.storeSuite(runner, () => {}, {}),
  ],
  ["memoryStore(5)", ["options object is 5", "memoryStore({"], () => untyped.memoryStore(5)],
  [
    "memoryStore(null)",
    ["options object is null", "memoryStore({"],
    () => untyped.memoryStore(null),
  ],
  [
    "memoryStore({ ttlMs })",
    ['ttlMs is "1h"', "number of milliseconds"],
    () => untyped.memoryStore({ ttlMs: "1h" }),
  ],
];

describe("given a wrong call of a newcomer, gives one clear error with the value, the remedy and a link", () => {
  test.each(CREATE_PROGRESS)("createProgress: %s", (...call) => expectClearError(call));
  test.each(CREATE)("create: %s", (...call) => expectClearError(call));
  test.each(JOBS)("jobs: %s", (...call) => expectClearError(call));
  test.each(OTHERS)("%s", (...call) => expectClearError(call));
});
