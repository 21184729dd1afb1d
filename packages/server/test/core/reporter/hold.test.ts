import { describe, expect, test } from "vitest";
import { memoryStore, type ProgressStore } from "../../../src/index.js";
import { advance, makeContext, useFakeTime, waitUntil } from "../context.js";
import { faultyStore } from "../faulty-store.js";
import { closedGate } from "../gate.js";
import { logOf, openPlainJob, openPlannedJob, stateOf } from "./jobs.js";

useFakeTime();

describe("a job that is delivered to two workers", () => {
  test("given a job that a worker holds, open is refused as job-held and changes nothing", async () => {
    const { progress, store, ...context } = makeContext();
    const first = await openPlannedJob({ progress, store, ...context });
    first.beginStep("speech").update({ percent: 60 });
    await first.flush();
    const before = await store.read(first.id);
    await expect(progress.open(first.id)).rejects.toMatchObject({
      code: "job-held",
      retryable: true,
      message: expect.stringMatching(/attempt: "next".*takeOver: true/),
    });
    expect((await store.read(first.id))?.cursor).toBe(before?.cursor);
    expect(first.signal.aborted).toBe(false);
    expect(progress.stats().reporters).toBe(1);
    await first.complete("the first worker's");
    expect(await progress.status(first.id)).toMatchObject({ result: "the first worker's" });
  });

  test("given two workers that open at once, one of them gets the job", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const outcomes = await Promise.allSettled([progress.open(id), progress.open(id)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "job-held" },
    });
  });

  test("given run for a job that a worker holds, rejects with job-held and does not start the work", async () => {
    const context = makeContext();
    const first = await openPlainJob(context);
    let worked = false;
    const running = context.progress.run(first.id, () => {
      worked = true;
    });
    await expect(running).rejects.toMatchObject({ code: "job-held" });
    expect(worked).toBe(false);
  });

  test("given two run() at once, only the first one's work runs and the second is refused as job-held", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const worked: string[] = [];
    const work = (name: string) => async () => {
      worked.push(name);
      return name;
    };
    const first = progress.run(id, work("first"));
    const second = progress.run(id, work("second"));
    await expect(second).rejects.toMatchObject({ code: "job-held", retryable: true });
    expect(await first).toMatchObject({ status: "completed", result: "first" });
    expect(worked).toEqual(["first"]);
    expect(await progress.status(id)).toMatchObject({ status: "completed", result: "first" });
  });

  test.each<[string, (id: string) => Promise<unknown>]>([
    ["closed its reporter", async () => {}],
    ["let its lease run out", () => advance(15_001)],
  ])("given a worker that %s, another one can open the job", async (how, wait) => {
    const context = makeContext();
    const first = await openPlainJob(context);
    if (how === "closed its reporter") await first.close();
    else await context.progress.close();
    await wait(first.id);
    const other = makeContext({}, context.store);
    await (await other.progress.open(first.id)).complete(2);
    expect(await stateOf(other, first)).toMatchObject({ status: "completed", attempt: 1 });
  });

  test("given attempt: next for a job that a worker holds, begins the attempt and stops that worker", async () => {
    const context = makeContext();
    const first = await openPlainJob(context);
    const second = await context.progress.open(first.id, { attempt: "next" });
    await advance(0);
    expect(first.signal.reason).toMatchObject({ code: "attempt-superseded" });
    await second.complete(2);
    expect(await stateOf(context, second)).toMatchObject({ status: "completed", attempt: 2 });
  });
});

describe("a takeover", () => {
  test.each([
    ["next write", 0],
    ["next renewal", 5_000],
  ])(
    "given takeOver, the old worker's signal aborts with hold-lost at its %s",
    async (when, ms) => {
      const context = makeContext();
      const first = await openPlainJob(context);
      await advance(200);
      const second = await context.progress.open(first.id, { takeOver: true });
      expect(first.signal.aborted).toBe(false);
      if (when === "next write") first.log("from the old worker");
      await advance(ms);
      expect(first.signal.reason).toMatchObject({ code: "hold-lost" });
      await expect(first.complete("old")).rejects.toMatchObject({ code: "hold-lost" });
      expect(await logOf(context, second)).toEqual([]);
      await second.complete("new");
      expect(await stateOf(context, second)).toMatchObject({ result: "new", attempt: 1 });
    },
  );

  test("given a job that is taken from run, run rejects with hold-lost and reports the error of its work", async () => {
    const { progress, createJob, errors } = makeContext();
    const id = await createJob();
    const cause = new Error("killed by the signal");
    const running = progress.run(id, async (job) => {
      await progress.open(id, { takeOver: true });
      job.log("late");
      await waitUntil(() => job.signal.aborted);
      throw cause;
    });
    await expect(running).rejects.toMatchObject({ code: "hold-lost" });
    expect(errors).toMatchObject([{ code: "job-failed", cause }]);
    expect((await progress.status(id))?.status).toBe("running");
  });
});

describe("an open whose write got no answer", () => {
  test("given a write that was stored, gives the hold back", async () => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    store.loseReplies("write");
    await expect(progress.open(id)).rejects.toMatchObject({ code: "store-unavailable" });
    await advance(0);
    store.recover();
    await (await progress.open(id)).complete(1);
    expect(await progress.status(id)).toMatchObject({ status: "completed", attempt: 1 });
  });

  test("given a write that arrives after that, leaves the job to the next worker", async () => {
    const { store, arrive } = storeWhoseFirstWriteIsLate();
    const { progress, createJob } = makeContext({}, faultyStore(store));
    const id = await createJob();
    const opening = expect(progress.open(id)).rejects.toMatchObject({ code: "store-unavailable" });
    await advance(10_000);
    await opening;
    await advance(0);
    await arrive();
    // No lease was taken: the job is neither held nor lost.
    await progress.sweep();
    await advance(60_000);
    await progress.sweep();
    expect(await progress.status(id)).toMatchObject({ status: "queued", stale: false });
    await (await progress.open(id)).complete(1);
  });
});

/** The first write reaches the store only when the test lets it arrive. */
function storeWhoseFirstWriteIsLate(): { store: ProgressStore; arrive: () => Promise<void> } {
  const store = memoryStore();
  const gate = closedGate();
  let late: Promise<unknown> | undefined;
  return {
    store: {
      ...store,
      async write(jobId, change) {
        if (late !== undefined) return store.write(jobId, change);
        const written = gate.opened.then(() => store.write(jobId, change));
        late = written.catch(() => {});
        return written;
      },
    },
    async arrive() {
      gate.open();
      await late;
    },
  };
}

describe("a requeue", () => {
  test("given writes that arrive after it, ignores them", async () => {
    const context = makeContext();
    const first = await openPlainJob(context);
    await advance(200);
    const release = context.store.hold("write");
    first.log("late");
    await advance(0);
    const requeuing = first.requeue();
    await advance(10_000);
    // The first call timed out, and is retried under the same name. Both arrive now, and the retry first.
    release();
    await advance(6_000);
    await requeuing;
    expect(await logOf(context, first)).toEqual(["late"]);
    expect(await stateOf(context, first)).toMatchObject({ status: "queued", stale: false });
    const next = await context.progress.open(first.id, { attempt: "next" });
    first.log("after the requeue");
    await advance(1_000);
    expect(await logOf(context, next)).toEqual(["late"]);
  });
});
