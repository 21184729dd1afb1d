import { setImmediate as turn } from "node:timers/promises";
import type { ProgressError } from "@emlinh/progress-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { expectRight } from "../faults/right.js";
import { openNodeViewer, type Viewer } from "../faults/viewer.js";
import { makeWorld, type World } from "../faults/world.js";
import { redis, SERVED_BACKENDS, type ServedBackend } from "./backends.js";
import { openStore } from "./open-store.js";

interface Setup {
  readonly backend: ServedBackend;
  readonly web: World;
  readonly errors: readonly ProgressError[];
  view(jobId: string): Promise<Viewer>;
}

async function setUp(start: () => Promise<ServedBackend>): Promise<Setup> {
  const backend = await start();
  const { store, close } = await openStore(backend.address);
  const errors: ProgressError[] = [];
  const web = await makeWorld({
    store,
    rereadMs: 300,
    heartbeatMs: 500,
    onError: (error) => errors.push(error),
  });
  onTestFinished(async () => {
    await web.close();
    await close();
    await backend.stop();
  });
  return {
    backend,
    web,
    errors,
    async view(jobId) {
      const viewer = await openNodeViewer(jobId, { baseUrl: web.baseUrl });
      onTestFinished(() => viewer.close());
      return viewer;
    },
  };
}

/** Resolves when a call has failed with `store-unavailable`, so that the outage was noticed. */
async function untilNoticed(errors: readonly ProgressError[]): Promise<void> {
  await expect
    .poll(() => errors.map(({ code }) => code), { timeout: 20_000 })
    .toContain("store-unavailable");
}

describe.each(SERVED_BACKENDS)("$name: the server is away for a while", ({ start }) => {
  test("given a job that runs during the outage, stores its reports when the server is back", async () => {
    const { backend, web, errors, view } = await setUp(start);
    const { id } = await web.progress.create({
      kind: "count",
      plan: [{ id: "count", title: "Count", weight: 1 }],
    });
    const viewer = await view(id);
    const running = web.progress.run(id, async (job) => {
      job.log("before");
      await job.flush();
      await viewer.until("the line", ({ log }) => log.length === 1);
      await backend.halt();
      await job.step("count", async (step) => {
        for (let done = 1; done <= 200; done += 1) {
          step.update({ done, total: 200 });
          job.update({ metadata: { count: done } });
          await turn();
        }
        job.log("during");
        await untilNoticed(errors);
      });
      await backend.resume();
      job.log("after");
      return { counted: 200 };
    });
    expect(await running).toMatchObject({ status: "completed", result: { counted: 200 } });
    const record = await viewer.until("the end", ({ ends }) => ends > 0);
    expect(record.log.map(({ text }) => text)).toEqual(["before", "during", "after"]);
    expect(record.job?.metadata).toMatchObject({ count: 200 });
    // One stream during the whole test: an outage of the store does not close it.
    expect(record.connections.filter((status) => status === "live")).toHaveLength(1);
    await expectRight(web.store, id, record);
  });

  test("given an end during the outage, it is delivered when the server is back", async () => {
    const { backend, web, errors, view } = await setUp(start);
    const { id } = await web.progress.create({ kind: "end" });
    const viewer = await view(id);
    const job = await web.progress.open(id);
    await viewer.until("the status running", (record) => record.job?.status === "running");
    await backend.halt();
    const ending = job.complete({ done: true });
    await untilNoticed(errors);
    await backend.resume();
    expect(await ending).toMatchObject({ status: "completed" });
    const record = await viewer.until("the end", ({ ends }) => ends > 0);
    await expectRight(web.store, id, record);
  });

  test("given a request during the outage, answers with 503 and Retry-After", async () => {
    const { backend, web, errors, view } = await setUp(start);
    const { id } = await web.progress.create({ kind: "late" });
    await backend.halt();
    const response = await fetch(`${web.baseUrl}/${id}/status`);
    expect([response.status, response.headers.get("retry-after")]).toEqual([
      503,
      expect.any(String),
    ]);
    expect(await response.json()).toMatchObject({ code: "store-unavailable" });
    const viewer = await view(id);
    await viewer.until("the state waiting", ({ connections }) => connections.includes("waiting"));
    await backend.resume();
    await viewer.until("the job", ({ job }) => job?.status === "queued");
    expect(errors.every(({ code }) => code === "store-unavailable")).toBe(true);
  });
});

describe("redis: the server comes back without its data", () => {
  test("given a running job, its worker and its viewers learn that it is gone", async () => {
    const { backend, web, errors, view } = await setUp(() => redis(false));
    const { id } = await web.progress.create({ kind: "forgotten" });
    const viewer = await view(id);
    const job = await web.progress.open(id);
    await viewer.until("the status running", (record) => record.job?.status === "running");
    await backend.halt();
    job.update({ message: "during" });
    await untilNoticed(errors);
    await backend.resume();
    const { settled } = await viewer.until(
      "why there is no result",
      (record) => record.settled !== null,
    );
    expect(settled).toEqual({ code: "job-not-found" });
    await expect.poll(() => job.signal.aborted, { timeout: 20_000 }).toBe(true);
    await expect(job.complete(null)).rejects.toMatchObject({
      code: expect.stringMatching(/^job-(?:not-found|expired)$/),
    });
  });

  test("given the same job created again, its viewers get a reset with the new job", async () => {
    const { backend, web, view } = await setUp(() => redis(false));
    await web.progress.create({ kind: "again", id: "again", metadata: { created: "first" } });
    const viewer = await view("again");
    await viewer.until("the first", ({ job }) => job?.metadata.created === "first");
    // The connection is cut while the server loses its data, so that the viewer reconnects to another job.
    web.proxy.setFaults(() => ({ kind: "refuse" }));
    web.proxy.cutAll();
    await backend.halt();
    await backend.resume();
    await expect
      .poll(
        () =>
          web.progress.create({ kind: "again", id: "again", metadata: { created: "again" } }).then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    web.proxy.setFaults(() => ({ kind: "pass" }));
    const record = await viewer.until("the second", ({ job }) => job?.metadata.created === "again");
    expect(record.resets).toBe(1);
  });
});
