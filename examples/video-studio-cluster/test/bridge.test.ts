import { isProgressError, ProgressError, type Reporter } from "@emlinh/progress-server";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../../../conformance/servers/redis.js";
import {
  addJob,
  closedGate,
  linesOf,
  moved,
  openProcess,
  startWorker,
  TemporaryError,
  until,
  untilAborted,
  type Work,
} from "./support/bridge-fixture.js";

/** With these options BullMQ notices within a second that a lock has run out. */
const QUICK = { lockDuration: 400, stalledInterval: 200, maxStalledCount: 2 } as const;

describe.skipIf(REDIS_MISSING)("the bridge to BullMQ", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ["--maxmemory-policy", "noeviction"] });
    return () => server.stop();
  });

  async function openEmptyProcess(): Promise<ReturnType<typeof openProcess>> {
    const process = openProcess(server.url);
    await process.redis.flushall();
    return process;
  }

  test("given work that succeeds, completes our job and BullMQ's with its result", async () => {
    const process = await openEmptyProcess();
    const worker = startWorker(process, { work: async () => ({ count: 3 }) });
    const done = moved(worker, "completed");
    const id = await addJob(process);
    await done;
    expect(await process.progress.status(id)).toMatchObject({
      status: "completed",
      attempt: 1,
      result: { count: 3 },
    });
    expect((await process.queue.getJob(id))?.returnvalue).toEqual({ count: 3 });
  });

  test("given work that fails once for now, requeues the job and completes it in the next attempt", async () => {
    const process = await openEmptyProcess();
    const gate = closedGate();
    let starts = 0;
    const work: Work = async (job) => {
      starts += 1;
      if (starts === 1) {
        job.beginStep("count").update({ done: 4, total: 10 });
        throw new TemporaryError("once");
      }
      await gate.opened;
      return { count: starts };
    };
    const worker = startWorker(process, { work });
    const failed = moved(worker, "failed");
    const id = await addJob(process);
    await failed;
    // The gate holds the second attempt, so this is the state that the bridge left.
    const again = await until(
      process,
      id,
      ({ attempt, status }) => attempt === 2 && status === "running",
    );
    expect(again.steps).toEqual({});
    expect(await linesOf(process, id)).toEqual(["Again."]);
    gate.open();
    const end = await until(process, id, ({ status }) => status === "completed");
    expect(end).toMatchObject({ attempt: 2, result: { count: 2 } });
  });

  test("given work that fails for now, shows the job as queued, without a lease and a running step", async () => {
    const process = await openEmptyProcess();
    startWorker(process, {
      work: async (job) => {
        job.beginStep("count").update({ done: 4, total: 10 });
        throw new TemporaryError("again");
      },
    });
    const { id } = await process.progress.create({ kind: "count" });
    // The backoff is so long that no worker starts the job again in this test.
    await process.queue.add("count", {}, { jobId: id, attempts: 2, backoff: 3_600_000 });
    const waiting = await until(
      process,
      id,
      ({ status, startedAt }) => status === "queued" && startedAt !== null,
    );
    expect(waiting).toMatchObject({
      attempt: 1,
      message: "Again.",
      stale: false,
      steps: { count: { status: "failed", percent: 40 } },
    });
    // An hour later a lease would have run out twice.
    await process.store.sweep(Date.now() + 3_600_000, 100);
    expect(await process.progress.status(id)).toMatchObject({ status: "queued" });
  });

  test("given work that fails for now each time, ends the job as lost with the last attempt", async () => {
    const process = await openEmptyProcess();
    startWorker(process, {
      work: async () => {
        throw new TemporaryError("always");
      },
    });
    const id = await addJob(process, 2);
    const end = await until(process, id, ({ finishedAt }) => finishedAt !== null);
    expect(end).toMatchObject({ status: "lost", attempt: 2, error: { code: "temporary" } });
    expect(await linesOf(process, id)).toEqual(["Again."]);
  });

  test("given work that would fail again, fails our job and BullMQ's at once", async () => {
    const process = await openEmptyProcess();
    const worker = startWorker(process, {
      work: (job) =>
        job.step("count", () => {
          throw new Error("an internal path");
        }),
    });
    const failed = moved(worker, "failed");
    const id = await addJob(process);
    await failed;
    expect(await process.progress.status(id)).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code: "wrong", message: "It is wrong.", step: "count" },
    });
    const bull = await process.queue.getJob(id);
    expect(bull?.failedReason).toBe("wrong");
    expect(await bull?.isFailed()).toBe(true);
  });

  test("given a cancel by another process, stops the work and cancels the job", async () => {
    const [process, other] = [await openEmptyProcess(), openProcess(server.url)];
    const worker = startWorker(process, { work: (job) => untilAborted(job.signal) });
    const failed = moved(worker, "failed");
    const id = await addJob(process);
    await until(other, id, ({ status }) => status === "running");
    await other.progress.cancel(id);
    await failed;
    expect(await process.progress.status(id)).toMatchObject({
      status: "cancelled",
      message: "It was cancelled.",
    });
    expect(await (await process.queue.getJob(id))?.isFailed()).toBe(true);
  });

  test("given a cancel of a waiting job, does not begin it", async () => {
    const process = await openEmptyProcess();
    const id = await addJob(process);
    await process.progress.cancel(id);
    const begun: string[] = [];
    const worker = startWorker(process, {
      work: async ({ id }) => {
        begun.push(id);
        return { count: 0 };
      },
    });
    await moved(worker, "completed");
    expect(begun).toEqual([]);
    expect(await process.progress.status(id)).toMatchObject({ status: "cancelled" });
  });

  test("given a worker that lost its lock, continues in another one and refuses the first one", async () => {
    const [process, other] = [await openEmptyProcess(), openProcess(server.url)];
    const reasons: unknown[] = [];
    let late: (() => void) | undefined;
    startWorker(process, {
      // Like a process that was stopped, or a machine without a network: its lock runs out, and it does not know.
      options: { ...QUICK, skipLockRenewal: true, skipStalledCheck: true },
      work: async (job) => {
        const step = job.beginStep("count");
        step.update({ done: 4, total: 10 });
        late = () => step.update({ done: 9, total: 10 });
        try {
          return await untilAborted(job.signal);
        } catch (error) {
          reasons.push(isProgressError(error) ? error.code : error);
          throw error;
        }
      },
    });
    const id = await addJob(process);
    await until(other, id, ({ status }) => status === "running");
    const gate = closedGate();
    startWorker(other, {
      options: QUICK,
      work: async () => {
        await gate.opened;
        return { count: 2 };
      },
    });
    await until(other, id, ({ attempt, status }) => attempt === 2 && status === "running");
    late?.();
    gate.open();
    const end = await until(other, id, ({ status }) => status === "completed");
    expect(end).toMatchObject({ attempt: 2, result: { count: 2 }, steps: {} });
    // It learns of the takeover by the refusal of its write, or of the next attempt by its watch.
    expect(reasons).toEqual([expect.stringMatching(/^(hold-lost|attempt-superseded)$/)]);
    expect((await linesOf(other, id)).filter((line) => line !== "It stalled.")).toEqual([]);
  });

  test("given a worker that died while all others are busy, requeues its job", async () => {
    const [process, other] = [await openEmptyProcess(), openProcess(server.url)];
    startWorker(process, {
      options: { ...QUICK, skipLockRenewal: true, skipStalledCheck: true },
      work: (job) => untilAborted(job.signal),
    });
    const id = await addJob(process);
    await until(other, id, ({ status }) => status === "running");
    const gate = closedGate();
    onTestFinished(() => gate.open());
    startWorker(other, {
      options: { ...QUICK, lockDuration: 60_000 },
      work: async () => {
        await gate.opened;
        return { count: 1 };
      },
    });
    const busy = await addJob(other);
    await until(other, busy, ({ status }) => status === "running");
    const waiting = await until(other, id, ({ status }) => status === "queued");
    expect(waiting).toMatchObject({ attempt: 1, message: "It stalled." });
    expect(await linesOf(other, id)).toEqual(["It stalled."]);
    gate.open();
    const end = await until(other, id, ({ status }) => status === "completed");
    expect(end).toMatchObject({ attempt: 2 });
  });

  test("given a cancel that a dead worker does not see, cancels the job", async () => {
    const [process, other] = [await openEmptyProcess(), openProcess(server.url)];
    const gate = closedGate();
    const work: Work = async () => {
      await gate.opened;
      return { count: 1 };
    };
    startWorker(process, {
      options: { ...QUICK, skipLockRenewal: true, skipStalledCheck: true },
      work,
    });
    const id = await addJob(process);
    await until(other, id, ({ status }) => status === "running");
    await other.progress.cancel(id);
    startWorker(other, { options: { ...QUICK, lockDuration: 60_000 }, work });
    onTestFinished(() => gate.open());
    await addJob(other);
    const end = await until(other, id, ({ finishedAt }) => finishedAt !== null);
    expect(end).toMatchObject({ status: "cancelled", message: "It was cancelled.", attempt: 1 });
  });

  test("given a worker that has begun the next attempt, a supervisor of the one before leaves it alone", async () => {
    const next = openProcess(server.url);
    let opened: Reporter | undefined;
    let reads = 0;
    const supervisor = openProcess(server.url, (store) => ({
      ...store,
      async read(jobId, after) {
        reads += 1;
        // Between the look at the job and the takeover.
        if (reads === 2) opened = await next.progress.open(jobId, { attempt: "next" });
        return store.read(jobId, after);
      },
    }));
    await supervisor.redis.flushall();
    const id = await addJob(supervisor);
    const dead = await next.progress.open(id);
    const { bridge } = startWorker(supervisor, {
      options: { autorun: false },
      work: async () => ({ count: 1 }),
    });
    await bridge.stalled(id);
    await opened?.flush();
    expect(opened?.signal.aborted).toBe(false);
    expect(dead.signal.reason).toMatchObject({ code: "attempt-superseded" });
    expect(await next.progress.status(id)).toMatchObject({ status: "running", attempt: 2 });
    expect(await linesOf(next, id)).toEqual([]);
  });

  test("given two workers that open a job at the same moment, only one works, and BullMQ asks the other later", async () => {
    const other = openProcess(server.url);
    let holder: Reporter | undefined;
    const process = openProcess(server.url, (store) => ({
      ...store,
      async write(jobId, change) {
        if (change.hold?.opens) holder ??= await other.progress.open(jobId);
        return store.write(jobId, change);
      },
    }));
    await process.redis.flushall();
    const begun: string[] = [];
    const worker = startWorker(process, {
      work: async (job) => {
        begun.push(job.id);
        return { count: 1 };
      },
    });
    const delayed = new Promise((resolve) => worker.worker.once("drained", resolve));
    const id = await addJob(process);
    await delayed;
    expect(await (await process.queue.getJob(id))?.isDelayed()).toBe(true);
    expect(holder?.signal.aborted).toBe(false);
    const done = moved(worker, "completed");
    await holder?.complete({ count: 2 });
    await done;
    expect(begun).toEqual([]);
    expect(await process.progress.status(id)).toMatchObject({ attempt: 1, result: { count: 2 } });
  });

  test("given a worker that lost its lock and no attempts left, ends the job as lost", async () => {
    const [process, other] = [await openEmptyProcess(), openProcess(server.url)];
    startWorker(process, {
      options: { ...QUICK, skipLockRenewal: true, skipStalledCheck: true },
      work: (job) => untilAborted(job.signal),
    });
    const id = await addJob(process, 1);
    await until(other, id, ({ status }) => status === "running");
    const second = startWorker(other, {
      options: { ...QUICK, maxStalledCount: 0 },
      work: async () => ({ count: 2 }),
    });
    const failed = moved(second, "failed");
    const end = await until(other, id, ({ finishedAt }) => finishedAt !== null);
    expect(end).toMatchObject({ status: "lost", attempt: 1, error: { code: "worker-died" } });
    await failed;
    expect(await linesOf(other, id)).toEqual([]);
  });

  test("given a worker that closes, continues in another one and uses up no attempt of BullMQ", async () => {
    const [process, other] = [await openEmptyProcess(), openProcess(server.url)];
    const closing = new AbortController();
    const { worker } = startWorker(process, {
      closing: closing.signal,
      work: (job) => untilAborted(AbortSignal.any([job.signal, closing.signal])),
    });
    const id = await addJob(process);
    await until(other, id, ({ status }) => status === "running");
    closing.abort();
    await worker.close();
    expect(await other.progress.status(id)).toMatchObject({
      status: "queued",
      message: "It was handed over.",
    });
    const done = moved(startWorker(other, { work: async () => ({ count: 2 }) }), "completed");
    await done;
    expect(await until(other, id, ({ status }) => status === "completed")).toMatchObject({
      attempt: 2,
    });
    expect((await other.queue.getJob(id))?.attemptsMade).toBe(1);
  });

  test("given an unavailable store when the work begins, tries later and counts no attempt", async () => {
    const asked = closedGate();
    let isUnavailable = true;
    const process = openProcess(server.url, (store) => ({
      ...store,
      read(jobId, after) {
        if (!isUnavailable) return store.read(jobId, after);
        asked.open();
        return Promise.reject(
          new ProgressError("store-unavailable", { message: "unavailable", retryable: true }),
        );
      },
    }));
    await process.redis.flushall();
    startWorker(process, { work: async () => ({ count: 1 }) });
    const id = await addJob(process);
    await asked.opened;
    isUnavailable = false;
    const end = await until(process, id, ({ status }) => status === "completed");
    expect(end).toMatchObject({ attempt: 1 });
  });
});
