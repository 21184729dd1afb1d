import { describe, expect, onTestFinished, test } from "vitest";
import { expectRight } from "../faults/right.js";
import { openNodeViewer, type Viewer } from "../faults/viewer.js";
import { makeWorld, type World } from "../faults/world.js";
import { type Program, runProgram } from "../programs.js";
import { BACKENDS, type Backend } from "./backends.js";
import { type OpenedStore, openStore } from "./open-store.js";
import type { WorkerOrders, WorkerSaid } from "./programs/worker.js";

const LEASE_MS = 900;

interface Scene {
  readonly jobId: string;
  readonly webs: readonly [World, World];
  /** One at each web process. */
  readonly viewers: readonly [Viewer, Viewer];
  readonly worker: Program<WorkerSaid>;
}

/** A job, a worker in a process of its own, and two web processes with a viewer each, over stores that share nothing but the backend. */
async function setTheScene(backend: Backend): Promise<Scene> {
  const opened = [await openStore(backend.place), await openStore(backend.place)] as const;
  const webs = [await makeWeb(opened[0]), await makeWeb(opened[1])] as const;
  const { id: jobId } = await webs[0].progress.create({ kind: "count" });
  const viewers = [await view(webs[0], jobId), await view(webs[1], jobId)] as const;
  const orders: WorkerOrders = { place: backend.place, jobId, leaseMs: LEASE_MS };
  const worker = await runProgram<WorkerSaid>("stores/programs/worker.ts", orders);
  await worker.until("that it works", ({ kind }) => kind === "working");
  return { jobId, webs, viewers, worker };
}

async function makeWeb({ store, close }: OpenedStore): Promise<World> {
  const web = await makeWorld({ store, leaseMs: LEASE_MS });
  onTestFinished(async () => {
    await web.close();
    await close();
  });
  return web;
}

async function view(web: World, jobId: string): Promise<Viewer> {
  const viewer = await openNodeViewer(jobId, { baseUrl: web.baseUrl });
  onTestFinished(() => viewer.close());
  return viewer;
}

describe.each(BACKENDS)("$name: a worker in another process", ({ start }) => {
  async function begin(): Promise<Scene> {
    const backend = await start();
    onTestFinished(() => backend.stop());
    return setTheScene(backend);
  }

  test("given SIGKILL, is stale after a lease and lost after two, once, at each web process", async () => {
    const { jobId, webs, viewers, worker } = await begin();
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
      // By the store's own times: the sweep that ended it came a whole lease after the one that marked it, give or take a sweep's interval.
      expect(lostAt - staleAt).toBeLessThan(LEASE_MS * 2);
      await expectRight(webs[0].store, jobId, viewers[index]?.record ?? record);
    }
  });

  test("given SIGSTOP until it is lost, then SIGCONT, learns of it and stops, and its late writes are refused", async () => {
    const { jobId, webs, viewers, worker } = await begin();
    await worker.kill("SIGSTOP");
    const [{ job }] = await Promise.all([
      viewers[1].until("the end", ({ ends }) => ends > 0),
      viewers[0].until("the end", ({ ends }) => ends > 0),
    ]);
    expect(job?.status).toBe("lost");
    const before = await webs[0].store.read(jobId);
    await worker.kill("SIGCONT");
    expect(await worker.until("why", ({ kind }) => kind === "aborted")).toMatchObject({
      code: "job-lost",
    });
    expect(await worker.until("its end", ({ kind }) => kind === "ended")).toMatchObject({
      code: "lost",
    });
    expect(await webs[0].store.read(jobId)).toEqual(before);
  });

  test("given a cancel at the other web process, stops, and all are told", async () => {
    const { jobId, webs, viewers, worker } = await begin();
    await webs[1].progress.cancel(jobId);
    expect(await worker.until("why", ({ kind }) => kind === "aborted")).toMatchObject({
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
