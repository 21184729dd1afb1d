import { describe, expect, test } from "vitest";
import { type CreateJob, type ListOptions, summaryOf } from "../../src/index.js";
import { advance, makeContext, useFakeTime } from "./context.js";

useFakeTime();

describe("create", () => {
  test("given subjects, puts the job into their lists, and shows them to no reader", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob("a", ["user:1", "batch.2@x_-"]);
    for (const subject of ["user:1", "batch.2@x_-"])
      expect((await progress.list({ subject })).jobs.map((job) => job.id)).toEqual([id]);
    expect(JSON.stringify(await progress.status(id))).not.toContain("user:1");
  });

  test.each<[unknown, string]>([
    ["user:1", 'subjects is "user:1"; it must be an array of at most 8 strings'],
    [null, "subjects is null"],
    [[""], 'a subject is ""; it must be 1 to 128 letters, digits'],
    [[":a"], 'a subject is ":a"'],
    [["a b"], 'a subject is "a b"'],
    [["a".repeat(129)], "a subject is"],
    [[7], "a subject is 7"],
    [["a", "a"], 'a subject is "a"; it must be unique in subjects'],
    [
      ["a", "b", "c", "d", "e", "f", "g", "h", "i"],
      "subjects has 9 members; it must have at most 8",
    ],
  ])("given the subjects %j, throws invalid-option", async (subjects, message) => {
    const { progress } = makeContext();
    const input = { kind: "test", subjects } as CreateJob;
    await expect(progress.create(input)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(message),
    });
  });

  test("given 8 subjects, accepts them, and later changes of the array change nothing", async () => {
    const { progress } = makeContext();
    const subjects = ["a", "b", "c", "d", "e", "f", "g", "h"];
    await progress.create({ kind: "test", subjects });
    subjects[0] = "z";
    expect((await progress.list({ subject: "a" })).jobs).toHaveLength(1);
  });
});

describe("list", () => {
  test("given pages, returns the states of all jobs, the newest first", async () => {
    const { progress, createJob, setFields } = makeContext();
    for (const id of ["a", "b", "c"]) {
      await createJob(id, ["user:1"]);
      await advance(1);
    }
    await setFields("c", { status: "completed", result: 1 });
    const first = await progress.list({ subject: "user:1", limit: 2 });
    expect(first.jobs.map(({ id, status }) => [id, status])).toEqual([
      ["c", "completed"],
      ["b", "queued"],
    ]);
    expect(first.jobs[0]).not.toHaveProperty("cursor");
    const last = await progress.list({ subject: "user:1", limit: 2, before: first.next ?? "" });
    expect([last.jobs.map(({ id }) => id), last.next]).toEqual([["a"], null]);
    expect(summaryOf([...first.jobs, ...last.jobs])).toMatchObject({ total: 3, finished: 1 });
  });

  test("given an unknown subject, returns none", async () => {
    const { progress } = makeContext();
    expect(await progress.list({ subject: "nobody" })).toEqual({ jobs: [], next: null });
  });

  test("given a job that is removed meanwhile, leaves it out", async () => {
    const { progress, createJob, setFields, store } = makeContext();
    for (const id of ["a", "b"]) await createJob(id, ["user:1"]);
    await setFields("a", { status: "completed" });
    const release = store.holdReplies("list");
    const listed = progress.list({ subject: "user:1" });
    await advance(0);
    await progress.remove("a");
    release();
    expect((await listed).jobs.map(({ id }) => id)).toEqual(["b"]);
  });

  test.each<[unknown, string]>([
    [undefined, "the options object is undefined"],
    ["user:1", 'the options object is "user:1"'],
    [{}, "subject is undefined"],
    [{ subject: "a b" }, 'subject is "a b"'],
    [{ subject: "a", limit: 0 }, "limit is 0; it must be a whole number from 1 to 100"],
    [{ subject: "a", limit: 101 }, "limit is 101"],
    [{ subject: "a", before: null }, "before is null"],
    [{ subject: "a", after: "x" }, 'no option "after"'],
  ])("given %j, throws invalid-option", async (options, message) => {
    const { progress } = makeContext();
    await expect(progress.list(options as ListOptions)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(message),
    });
  });
});
