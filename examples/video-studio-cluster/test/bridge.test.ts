import { isProgressError, ProgressError } from "@emlinh/progress-server";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../../../conformance/servers/redis.js";
import {
  addJob,
  linesOf,
  moved,
  openPlace,
  shutGate,
  startWorker,
  Unlucky,
  until,
  untilAborted,
  type Work,
} from "./support/bridge-kit.js";

/** BullMQ notices within a second that a lock is gone. */
const QUICK = { lockDuration: 400, stalledInterval: 200, maxStalledCount: 2 } as const;

describe.skipIf(REDIS_MISSING)("a BullMQ job as one of ours", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ["--maxmemory-policy", "noeviction"] });
    return () => server.stop();
  });

  async function openEmptyPlace(): Promise<ReturnType<typeof openPlace>> {
    const place = openPlace(server.url);
    await place.redis.flushall();
    return place;
  }

  test("given work that succeeds, is completed with its result, in both", async () => {
    const place = await openEmptyPlace();
    const worker = startWorker(place, { work: async () => ({ count: 3 }) });
    const done = moved(worker, "completed");
    const id = await addJob(place);
    await done;
    expect(await place.progress.status(id)).toMatchObject({
      status: "completed",
      attempt: 1,
      result: { count: 3 },
    });
    expect((await place.queue.getJob(id))?.returnvalue).toEqual({ count: 3 });
  });

  test("given work that was unlucky once, waits again, and completes in the next attempt", async () => {
    const place = await openEmptyPlace();
    const gate = shutGate();
    let starts = 0;
    const work: Work = async (job) => {
      starts += 1;
      if (starts === 1) {
        job.beginStep("count").update({ done: 4, total: 10 });
        throw new Unlucky("once");
      }
      await gate.opened;
      return { count: starts };
    };
    const worker = startWorker(place, { work });
    const failed = moved(worker, "failed");
    const id = await addJob(place);
    await failed;
    // Its second attempt is held at the gate: what stands there is what the bridge said.
    const again = await until(
      place,
      id,
      ({ attempt, status }) => attempt === 2 && status === "running",
    );
    expect(again.steps).toEqual({});
    expect(await linesOf(place, id)).toEqual(["Again."]);
    gate.open();
    const end = await until(place, id, ({ status }) => status === "completed");
    expect(end).toMatchObject({ attempt: 2, result: { count: 2 } });
  });

  test("given work that was unlucky, shows the job as waiting, without a lease and with no step that spins", async () => {
    const place = await openEmptyPlace();
    startWorker(place, {
      work: async (job) => {
        job.beginStep("count").update({ done: 4, total: 10 });
        throw new Unlucky("again");
      },
    });
    const { id } = await place.progress.create({ kind: "count" });
    // So long that nobody takes it up again here.
    await place.queue.add("count", {}, { jobId: id, attempts: 2, backoff: 3_600_000 });
    const waiting = await until(
      place,
      id,
      ({ status, startedAt }) => status === "queued" && startedAt !== null,
    );
    expect(waiting).toMatchObject({
      attempt: 1,
      message: "Again.",
      stale: false,
      steps: { count: { status: "failed", percent: 40 } },
    });
    // By a clock of an hour later, a lease would have run out twice.
    await place.store.sweep(Date.now() + 3_600_000, 100);
    expect(await place.progress.status(id)).toMatchObject({ status: "queued" });
  });

  test("given work that is unlucky each time, ends as lost with the last attempt", async () => {
    const place = await openEmptyPlace();
    startWorker(place, {
      work: async () => {
        throw new Unlucky("always");
      },
    });
    const id = await addJob(place, 2);
    const end = await until(place, id, ({ finishedAt }) => finishedAt !== null);
    expect(end).toMatchObject({ status: "lost", attempt: 2, error: { code: "unlucky" } });
    expect(await linesOf(place, id)).toEqual(["Again."]);
  });

  test("given work that would fail again, ends as failed at once, in both", async () => {
    const place = await openEmptyPlace();
    const worker = startWorker(place, {
      work: (job) =>
        job.step("count", () => {
          throw new Error("a path that is nobody's business");
        }),
    });
    const failed = moved(worker, "failed");
    const id = await addJob(place);
    await failed;
    expect(await place.progress.status(id)).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code: "wrong", message: "It is wrong.", step: "count" },
    });
    const bull = await place.queue.getJob(id);
    expect(bull?.failedReason).toBe("wrong");
    expect(await bull?.isFailed()).toBe(true);
  });

  test("given a cancel by another process, stops the work and is cancelled", async () => {
    const [place, other] = [await openEmptyPlace(), openPlace(server.url)];
    const worker = startWorker(place, { work: (job) => untilAborted(job.signal) });
    const failed = moved(worker, "failed");
    const id = await addJob(place);
    await until(other, id, ({ status }) => status === "running");
    await other.progress.cancel(id);
    await failed;
    expect(await place.progress.status(id)).toMatchObject({
      status: "cancelled",
      message: "It was cancelled.",
    });
    expect(await (await place.queue.getJob(id))?.isFailed()).toBe(true);
  });

  test("given a cancel while it waits, is not begun", async () => {
    const place = await openEmptyPlace();
    const id = await addJob(place);
    await place.progress.cancel(id);
    const begun: string[] = [];
    const worker = startWorker(place, {
      work: async ({ id }) => {
        begun.push(id);
        return { count: 0 };
      },
    });
    await moved(worker, "completed");
    expect(begun).toEqual([]);
    expect(await place.progress.status(id)).toMatchObject({ status: "cancelled" });
  });

  test("given a worker that lost its lock, goes on in another one, which shuts out the first", async () => {
    const [place, other] = [await openEmptyPlace(), openPlace(server.url)];
    const reasons: unknown[] = [];
    let late: (() => void) | undefined;
    startWorker(place, {
      // As a process that was stopped, or a machine that nobody reaches: its lock runs out, and it does not know.
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
    const id = await addJob(place);
    await until(other, id, ({ status }) => status === "running");
    const gate = shutGate();
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
    expect(reasons).toEqual(["attempt-superseded"]);
    expect((await linesOf(other, id)).filter((line) => line !== "It stalled.")).toEqual([]);
  });

  test("given a worker that died while all others are busy, waits without being taken for lost", async () => {
    const [place, other] = [await openEmptyPlace(), openPlace(server.url)];
    startWorker(place, {
      options: { ...QUICK, skipLockRenewal: true, skipStalledCheck: true },
      work: (job) => untilAborted(job.signal),
    });
    const id = await addJob(place);
    await until(other, id, ({ status }) => status === "running");
    const gate = shutGate();
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

  test("given a worker that lost its lock, and no attempts left, ends as lost", async () => {
    const [place, other] = [await openEmptyPlace(), openPlace(server.url)];
    startWorker(place, {
      options: { ...QUICK, skipLockRenewal: true, skipStalledCheck: true },
      work: (job) => untilAborted(job.signal),
    });
    const id = await addJob(place, 1);
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

  test("given a worker that closes, goes on in another one, and no attempt of BullMQ's is lost", async () => {
    const [place, other] = [await openEmptyPlace(), openPlace(server.url)];
    const closing = new AbortController();
    const { worker } = startWorker(place, {
      closing: closing.signal,
      work: (job) => untilAborted(AbortSignal.any([job.signal, closing.signal])),
    });
    const id = await addJob(place);
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

  test("given a store that is away when the work shall begin, tries later, and counts no attempt", async () => {
    const asked = shutGate();
    let isAway = true;
    const place = openPlace(server.url, (store) => ({
      ...store,
      read(jobId, after) {
        if (!isAway) return store.read(jobId, after);
        asked.open();
        return Promise.reject(
          new ProgressError("store-unavailable", { message: "away", retryable: true }),
        );
      },
    }));
    await place.redis.flushall();
    startWorker(place, { work: async () => ({ count: 1 }) });
    const id = await addJob(place);
    await asked.opened;
    isAway = false;
    const end = await until(place, id, ({ status }) => status === "completed");
    expect(end).toMatchObject({ attempt: 1 });
  });
});
