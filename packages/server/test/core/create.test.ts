import { describe, expect, test } from "vitest";
import { type CreateJob, defineJob, typed } from "../../src/index.js";
import { makeContext, useFakeTime } from "./context.js";

useFakeTime();

describe("create", () => {
  test("given a kind, a plan and metadata, creates a queued job", async () => {
    const { progress } = makeContext();
    const plan = [{ id: "a", title: "A", weight: 2 }];
    const job = await progress.create({
      kind: "video",
      plan,
      metadata: { topic: "Sea" },
      message: "soon",
    });
    expect(job).toMatchObject({ created: true, cursor: expect.stringMatching(/\.1$/) });
    expect(job.id).toMatch(/^[0-9a-f]{32}$/);
    expect(await progress.status(job.id)).toMatchObject({
      kind: "video",
      status: "queued",
      attempt: 1,
      plan,
      metadata: { topic: "Sea" },
      message: "soon",
      percent: 0,
      cursor: job.cursor,
    });
  });

  test("given a plan of step ids, derives their titles and gives them the weight 1", async () => {
    const { progress } = makeContext();
    const plan = ["write-script", { id: "render", weight: 6 }] as const;
    const { id } = await progress.create({ kind: "video", plan });
    expect((await progress.status(id))?.plan).toEqual([
      { id: "write-script", title: "Write script", weight: 1 },
      { id: "render", title: "Render", weight: 6 },
    ]);
  });

  test("given a definition, uses its kind and plan, and returns it", async () => {
    const { progress } = makeContext();
    const definition = defineJob({
      kind: "video",
      plan: [{ id: "render", title: "Render", weight: 1 }],
      metadata: typed<{ topic: string }>(),
      result: typed<{ url: string }>(),
    });
    const job = await progress.create({ definition, metadata: { topic: "Sea" } });
    expect(job.definition).toBe(definition);
    expect(await progress.status(job.id)).toMatchObject({ kind: "video", plan: definition.plan });
  });

  test("given the same key twice, creates one job", async () => {
    const { progress } = makeContext();
    const [one, other] = await Promise.all([
      progress.create({ kind: "k", key: "double click" }),
      progress.create({ kind: "k", key: "double click" }),
    ]);
    expect(other.id).toBe(one.id);
    expect([one.created, other.created].sort()).toEqual([false, true]);
  });

  test("given a deadline, a sweep after it ends the job as timed-out", async () => {
    const { progress, store } = makeContext();
    const { id } = await progress.create({ kind: "k", deadlineMs: 1_000 });
    await store.sweep(Date.now() + 1_001, 10);
    expect(await progress.status(id)).toMatchObject({ status: "timed-out" });
  });

  const step = { id: "a", title: "A", weight: 1 };
  test.each<[string, unknown, string]>([
    ["no kind", {}, "invalid-option"],
    ["an empty kind", { kind: "" }, "invalid-option"],
    ["a bad id", { kind: "k", id: "a b" }, "invalid-option"],
    ["a long id", { kind: "k", id: "x".repeat(129) }, "invalid-option"],
    ["an empty key", { kind: "k", key: "" }, "invalid-option"],
    ["a long key", { kind: "k", key: "x".repeat(257) }, "invalid-option"],
    ["a size of 0", { kind: "k", size: 0 }, "invalid-option"],
    ["an infinite size", { kind: "k", size: Number.POSITIVE_INFINITY }, "invalid-option"],
    ["a deadline of 0", { kind: "k", deadlineMs: 0 }, "invalid-option"],
    ["a deadline of NaN", { kind: "k", deadlineMs: Number.NaN }, "invalid-option"],
    ["a plan that is not an array", { kind: "k", plan: "a" }, "invalid-option"],
    ["a step without weight", { kind: "k", plan: [{ ...step, weight: 0 }] }, "invalid-option"],
    [
      "a step of infinite weight",
      { kind: "k", plan: [{ ...step, weight: Number.POSITIVE_INFINITY }] },
      "invalid-option",
    ],
    ["a step without title", { kind: "k", plan: [{ ...step, title: 1 }] }, "invalid-option"],
    ["a bad step id", { kind: "k", plan: [{ ...step, id: "a.b" }] }, "invalid-option"],
    ["a duplicate step id", { kind: "k", plan: [step, step] }, "invalid-option"],
    ["a bad metadata key", { kind: "k", metadata: { "a.b": 1 } }, "invalid-change"],
    ["metadata that is not JSON", { kind: "k", metadata: { a: () => 1 } }, "invalid-change"],
    ["too much metadata", { kind: "k", metadata: { a: "x".repeat(300_000) } }, "too-large"],
  ])("given %s, throws and stores nothing", async (_name, input, code) => {
    const { progress, store } = makeContext();
    await expect(progress.create(input as CreateJob)).rejects.toMatchObject({ code });
    expect(store.calls.create).toBe(0);
  });

  test("given the id of another job, throws and keeps that job", async () => {
    const { progress, createJob } = makeContext();
    await createJob("mine");
    await expect(createJob("mine")).rejects.toMatchObject({ code: "invalid-change" });
    expect((await progress.status("mine"))?.status).toBe("queued");
  });
});

describe("status and cancel", () => {
  test("given a job that is unknown or was removed, returns undefined", async () => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    await store.sweep(Number.MAX_SAFE_INTEGER, 10);
    for (const missing of [id, "unknown"]) {
      expect(await progress.status(missing)).toBeUndefined();
      expect(await progress.cancel(missing)).toBeUndefined();
    }
  });

  test("given a store that fails, throws store-unavailable", async () => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    store.fail("read");
    await expect(progress.status(id)).rejects.toMatchObject({ code: "store-unavailable" });
    await expect(progress.cancel(id)).rejects.toMatchObject({ code: "store-unavailable" });
  });
});
