import { describe, expect, type TestContext, test } from "vitest";
import { expectRight } from "../faults/right.js";
import { openNodeViewer, type Viewer } from "../faults/viewer.js";
import { makeWorld, type World } from "../faults/world.js";
import { type Program, runProgram } from "../programs.js";
import { BACKENDS, type Backend } from "./backends.js";
import { type OpenedStore, openStore } from "./open-store.js";
import type { WorkerOrders, WorkerSaid } from "./programs/worker.js";

const LEASE_MS = 900;

interface Setup {
  readonly jobId: string;
  readonly webs: readonly [World, World];
  /** One viewer per web process. */
  readonly viewers: readonly [Viewer, Viewer];
  readonly worker: Program<WorkerSaid>;
}

/**
 * Makes a job, a worker in its own process, and two web servers with a viewer each, over stores that share only the
 * backend.
 */
async function setUp(backend: Backend, context: TestContext): Promise<Setup> {
  const opened = [await openStore(backend.address), await openStore(backend.address)] as const;
  const webs = [await makeWeb(opened[0], context), await makeWeb(opened[1], context)] as const;
  const { id: jobId } = await webs[0].progress.create({ kind: "count" });
  const viewers = [
    await view(webs[0], jobId, context),
    await view(webs[1], jobId, context),
  ] as const;
  const orders: WorkerOrders = { address: backend.address, jobId, leaseMs: LEASE_MS };
  const worker = await runProgram<WorkerSaid>("stores/programs/worker.ts", orders, {
    onFinished: context.onTestFinished,
  });
  await worker.until("the start of its work", ({ kind }) => kind === "working");
  return { jobId, webs, viewers, worker };
}

async function makeWeb(
  { store, close }: OpenedStore,
  { onTestFinished }: TestContext,
): Promise<World> {
  const web = await makeWorld({ store, leaseMs: LEASE_MS });
  onTestFinished(async () => {
    await web.close();
    await close();
  });
  return web;
}

async function view(web: World, jobId: string, { onTestFinished }: TestContext): Promise<Viewer> {
  const viewer = await openNodeViewer(jobId, { baseUrl: web.baseUrl });
  onTestFinished(() => viewer.close());
  return viewer;
}

describe.each(BACKENDS)("$name: a worker in another process", ({ start }) => {
  async function begin(context: TestContext): Promise<Setup> {
    const backend = await start();
    context.onTestFinished(() => backend.stop());
    return setUp(backend, context);
  }

  test.concurrent("given SIGKILL, the job is stale after one lease and lost after two, and each viewer gets one end", async (context) => {
    const { jobId, webs, viewers, worker } = await begin(context);
    await Promise.all(
      viewers.map((it) => it.until("its count", ({ job }) => Number(job?.metadata.count) > 3)),
    );
    await worker.kill("SIGKILL");
    const stale = await Promise.all(
      viewers.map((it) => it.until("stale", ({ job }) => job?.stale === true)),
    );
    const lost = await Promise.all(
      viewers.map((it) => it.until("the end", ({ ends }) => ends > 0)),
    );
    for (const [index, record] of lost.entries()) {
      expect(record.job).toMatchObject({
        status: "lost",
        stale: false,
        error: { code: "job-lost" },
      });
      const [staleAt, lostAt] = [stale[index]?.job?.updatedAt ?? 0, record.job?.finishedAt ?? 0];
      // By the store's clock, the sweep that ended the job came a whole lease after the one that marked it, plus or
      // minus the sweep interval.
      expect(lostAt - staleAt).toBeLessThan(LEASE_MS * 2);
      await expectRight(webs[0].store, jobId, viewers[index]?.record ?? record);
    }
  });

  test.concurrent("given SIGSTOP until the job is lost, then SIGCONT, aborts the worker and refuses its late writes", async (context) => {
    const { jobId, webs, viewers, worker } = await begin(context);
    await worker.kill("SIGSTOP");
    const [{ job }] = await Promise.all([
      viewers[1].until("the end", ({ ends }) => ends > 0),
      viewers[0].until("the end", ({ ends }) => ends > 0),
    ]);
    expect(job?.status).toBe("lost");
    const before = await webs[0].store.read(jobId);
    await worker.kill("SIGCONT");
    expect(await worker.until("the reason", ({ kind }) => kind === "aborted")).toMatchObject({
      code: "job-lost",
    });
    expect(await worker.until("its end", ({ kind }) => kind === "ended")).toMatchObject({
      code: "lost",
    });
    expect(await webs[0].store.read(jobId)).toEqual({ ...before, now: expect.any(Number) });
  });

  test.concurrent("given a cancel through the other web server, the worker stops and every viewer gets the end", async (context) => {
    const { jobId, webs, viewers, worker } = await begin(context);
    await webs[1].progress.cancel(jobId);
    expect(await worker.until("the reason", ({ kind }) => kind === "aborted")).toMatchObject({
      code: "job-cancelled",
    });
    for (const viewer of viewers) {
      const { job } = await viewer.until("the end", ({ ends }) => ends > 0);
      expect(job?.status).toBe("cancelled");
      await expectRight(
        webs[0].store,
        jobId,
        viewer.record ?? (await viewer.until("it", () => true)),
      );
    }
  });
});
