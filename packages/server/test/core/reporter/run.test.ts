import { describe, expect, test } from "vitest";
import { defineJob, JobFailure, type Reporter, typed } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";

useFakeTime();

const untilAborted = ({ signal }: Reporter): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

describe("run", () => {
  test("given work that returns a value, completes the job with it", async () => {
    const { progress, createJob } = makeContext();
    const state = await progress.run(await createJob(), async () => ({ answer: 42 }));
    expect(state).toMatchObject({ status: "completed", result: { answer: 42 }, percent: 100 });
  });

  test("given work that returns nothing, completes the job with null", async () => {
    const { progress, createJob } = makeContext();
    const state = await progress.run(await createJob(), async () => undefined as never);
    expect(state).toMatchObject({ status: "completed", result: null });
  });

  test("given work that throws, fails the job, names the step and hides the error's message", async () => {
    const { progress, errors } = makeContext();
    const { id } = await progress.create({
      kind: "video",
      plan: [{ id: "render", title: "Render", weight: 1 }],
    });
    const cause = new Error("/home/secret");
    const state = await progress.run(id, (job) =>
      job.step("render", () => {
        throw cause;
      }),
    );
    expect(state).toMatchObject({
      status: "failed",
      error: { code: "job-failed", message: "The job failed.", step: "render" },
      steps: { render: { status: "failed" } },
    });
    expect(errors).toMatchObject([{ code: "job-failed", cause }]);
  });

  test("given work that throws synchronously, fails the job too", async () => {
    const { progress, createJob } = makeContext();
    const state = await progress.run(await createJob(), () => {
      throw new JobFailure({ code: "no-voice", message: "This voice isn't installed." });
    });
    expect(state.error).toEqual({ code: "no-voice", message: "This voice isn't installed." });
  });

  test("given an error outside a step, after a caught error in a step, names no step", async () => {
    const { progress, createJob } = makeContext();
    const state = await progress.run(await createJob(), async (reporter) => {
      await reporter
        .step("a", () => {
          throw new Error("caught");
        })
        .catch(() => {});
      throw new Error("not in a step");
    });
    expect(state.error).not.toHaveProperty("step");
  });

  test("given an error in nested steps, names the innermost step", async () => {
    const { progress, createJob } = makeContext();
    const state = await progress.run(await createJob(), (reporter) =>
      reporter.step("outer", () =>
        reporter.step("inner", () => {
          throw new Error("x");
        }),
      ),
    );
    expect(state.error?.step).toBe("inner");
  });

  test("given a result that is not JSON, fails the job and reports the value", async () => {
    const { progress, createJob, errors } = makeContext();
    const state = await progress.run(await createJob(), async () => ({ size: 1n }) as never);
    expect(state).toMatchObject({ status: "failed", error: { code: "job-failed" } });
    const message = expect.stringContaining('"result.size" is of the type bigint');
    expect(errors).toMatchObject([
      { code: "job-failed", cause: { code: "invalid-change", message } },
    ]);
  });

  test("given a result that its definition refuses, fails the job", async () => {
    const { progress } = makeContext();
    const result = {
      "~standard": {
        ...typed<string>()["~standard"],
        validate: () => ({ issues: [{ message: "not a URL" }] }),
      },
    };
    const job = await progress.create({ definition: defineJob({ kind: "k", result }) });
    expect(await progress.run(job, async () => "x")).toMatchObject({ status: "failed" });
  });

  test("given a cancel, aborts the work's signal and cancels the job", async () => {
    const { progress, createJob, errors } = makeContext();
    const id = await createJob();
    const running = progress.run(id, untilAborted);
    await advance(1_000);
    await progress.cancel(id);
    await advance(1_000);
    expect(await running).toMatchObject({
      status: "cancelled",
      cancelRequested: true,
      error: null,
    });
    expect(errors).toEqual([]);
  });

  test.each([
    ["AbortError", new DOMException("stopped", "AbortError"), 0],
    ["error of a killed process", new Error("ffmpeg: signal 15"), 1],
  ])("given an %s after a cancel, cancels the job", async (_name, error, reported) => {
    const { progress, createJob, errors } = makeContext();
    const id = await createJob();
    const running = progress.run(id, (reporter) =>
      untilAborted(reporter).catch(() => {
        throw error;
      }),
    );
    await advance(1_000);
    await progress.cancel(id);
    await advance(1_000);
    expect((await running).status).toBe("cancelled");
    expect(errors).toHaveLength(reported);
  });

  test("given work that returns a value despite a cancel, completes the job", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const running = progress.run(id, (reporter) => untilAborted(reporter).catch(() => "done"));
    await advance(1_000);
    await progress.cancel(id);
    await advance(1_000);
    expect(await running).toMatchObject({ status: "completed", result: "done" });
  });

  test("given a job that is cancelled before it is opened, does not start the work", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    await (await progress.open(id)).close();
    await progress.cancel(id);
    let worked = false;
    const state = await progress.run(id, async () => {
      worked = true;
    });
    expect(state.status).toBe("cancelled");
    expect(worked).toBe(false);
  });

  test("given an AbortError without a cancel, fails the job", async () => {
    const { progress, createJob } = makeContext();
    const state = await progress.run(await createJob(), () => {
      throw new DOMException("a timeout inside the work", "AbortError");
    });
    expect(state.status).toBe("failed");
  });

  test.each(["lost", "timed-out", "cancelled"])(
    "given a job that is ended as %s by someone else, resolves with that end",
    async (status) => {
      const { progress, createJob, setFields } = makeContext();
      const id = await createJob();
      const running = progress.run(id, untilAborted);
      await advance(1_000);
      await setFields(id, { status });
      await advance(1_000);
      expect(await running).toMatchObject({ status });
    },
  );

  test("given a job that is ended just before the work returns, resolves with that end", async () => {
    const { progress, createJob, setFields, store } = makeContext();
    const id = await createJob();
    store.wakes = "lost";
    const state = await progress.run(id, async () => {
      await setFields(id, { status: "timed-out" });
      return "too late";
    });
    expect(state).toMatchObject({ status: "timed-out", result: null });
  });

  test("given a later attempt, rejects and leaves the job to that attempt", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const running = progress.run(id, untilAborted);
    const expected = expect(running).rejects.toMatchObject({ code: "attempt-superseded" });
    await advance(1_000);
    await progress.open(id, { attempt: "next" });
    await advance(1_000);
    await expected;
    expect((await progress.status(id))?.status).toBe("running");
  });

  test("given close(), rejects and writes no end", async () => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    const expected = expect(progress.run(id, untilAborted)).rejects.toMatchObject({
      code: "closed",
    });
    await advance(0);
    await progress.close();
    await expected;
    expect((await store.read(id))?.set.status).toBe("running");
  });

  test("given an end that cannot be delivered, rejects with store-unavailable", async () => {
    const { progress, createJob, store } = makeContext({ maxDeliveryMs: 5_000 });
    const running = progress.run(await createJob(), async () => {
      store.fail("write");
      return 1;
    });
    const expected = expect(running).rejects.toMatchObject({ code: "store-unavailable" });
    await advance(6_000);
    await expected;
  });

  test("given a job that has ended, rejects and does not start the work", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    await setFields(id, { status: "completed" });
    let worked = false;
    const running = progress.run(id, async () => {
      worked = true;
    });
    await expect(running).rejects.toMatchObject({ code: "job-finished" });
    expect(worked).toBe(false);
  });
});
