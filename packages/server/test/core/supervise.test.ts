import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "./context.js";
import { openStream } from "./streams.js";

useFakeTime();

describe("update", () => {
  test("given a queued job, sets message and metadata and sends them to readers", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    await progress.update(id, { message: "Second in line", metadata: { position: 2 } });
    await advance(0);
    expect(sink.state()?.set).toMatchObject({ message: "Second in line", "metadata.position": 2 });
    await progress.update(id, { message: null, metadata: { position: null } });
    expect(await progress.status(id)).toMatchObject({ message: null, metadata: {} });
  });

  test("given an update that sets nothing, writes nothing", async () => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    await progress.update(id, {});
    await progress.update(id, { metadata: { position: undefined } });
    expect(store.calls.write).toBe(0);
  });

  test("given a percent that falls, keeps the higher one", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    await progress.update(id, { percent: 40 });
    await progress.update(id, { percent: 20 });
    expect(await progress.status(id)).toMatchObject({ percent: 40 });
  });

  test.each([
    ["a percent that is not a number", { percent: Number.NaN }, "invalid-change"],
    ["a metadata key with a dot", { metadata: { "a.b": 1 } }, "invalid-change"],
    ["a value that is not JSON", { metadata: { a: 1n } }, "invalid-change"],
    ["a change that is too large", { metadata: { a: "x".repeat(300_000) } }, "too-large"],
  ])("given %s, throws and writes nothing", async (_name, update, code) => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    await expect(progress.update(id, update as never)).rejects.toMatchObject({ code });
    expect(store.calls.write).toBe(0);
  });

  test("given a percent for a job with a plan, throws invalid-change", async () => {
    const { progress } = makeContext();
    const plan = [{ id: "a", title: "A", weight: 1 }];
    const { id } = await progress.create({ kind: "k", plan });
    await expect(progress.update(id, { percent: 5 })).rejects.toMatchObject({
      code: "invalid-change",
    });
  });

  test("given a job that has ended or is unknown, throws", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    await setFields(id, { status: "completed" });
    await expect(progress.update(id, { message: "late" })).rejects.toMatchObject({
      code: "job-finished",
    });
    await expect(progress.update("unknown", { message: "x" })).rejects.toMatchObject({
      code: "job-not-found",
    });
  });
});

describe("end", () => {
  test.each(["failed", "cancelled", "lost", "timed-out"] as const)(
    "given %s, ends the job, closes its running steps and stops its worker",
    async (status) => {
      const { progress } = makeContext();
      const plan = [{ id: "a", title: "A", weight: 1 }];
      const worker = await progress.open(await progress.create({ kind: "k", plan }));
      worker.beginStep("a").update({ percent: 30 });
      await worker.flush();
      await advance(1_000);
      const error = { code: "worker-gone", message: "The worker is gone." };
      const state = await progress.end(worker.id, status, { message: "Ended", error });
      expect(state).toMatchObject({
        status,
        message: "Ended",
        error,
        finishedAt: Date.now(),
        steps: { a: { status: "failed", percent: 30, finishedAt: Date.now() } },
      });
      await advance(0);
      expect(worker.signal.aborted).toBe(true);
    },
  );

  test("given a job that has ended, throws and keeps the first end", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    await progress.end(id, "failed");
    await expect(progress.end(id, "lost")).rejects.toMatchObject({ code: "job-finished" });
    expect(await progress.status(id)).toMatchObject({ status: "failed" });
  });

  test.each(["completed", "running", "nonsense"])(
    "given the status %s, throws invalid-option",
    async (status) => {
      const { progress, createJob } = makeContext();
      const id = await createJob();
      await expect(progress.end(id, status as never)).rejects.toMatchObject({
        code: "invalid-option",
      });
      expect(await progress.status(id)).toMatchObject({ status: "queued" });
    },
  );
});

describe("remove", () => {
  test("given an ended job, removes it with its key", async () => {
    const { progress } = makeContext();
    const { id } = await progress.create({ kind: "k", key: "once" });
    await progress.end(id, "failed");
    expect(await progress.remove(id)).toBe(true);
    expect(await progress.status(id)).toBeUndefined();
    expect(await progress.remove(id)).toBe(false);
    expect(await progress.create({ kind: "k", key: "once" })).toMatchObject({ created: true });
  });

  test("given a job that has not ended, throws and keeps it", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    await expect(progress.remove(id)).rejects.toMatchObject({
      code: "job-not-finished",
      status: 409,
    });
    expect(await progress.status(id)).toMatchObject({ status: "queued" });
  });

  test("given an unknown job, returns false", async () => {
    const { progress } = makeContext();
    expect(await progress.remove("unknown")).toBe(false);
  });
});
