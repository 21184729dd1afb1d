import { setImmediate as turn } from "node:timers/promises";
import type { ProgressError } from "@emlinh/progress-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { expectRight } from "../faults/right.js";
import { openNodeViewer, type Viewer } from "../faults/viewer.js";
import { makeWorld, type World } from "../faults/world.js";
import { redis, SERVED_BACKENDS, type ServedBackend } from "./backends.js";
import { openStore } from "./open-store.js";

interface Scene {
  readonly backend: ServedBackend;
  readonly web: World;
  readonly errors: readonly ProgressError[];
  view(jobId: string): Promise<Viewer>;
}

async function setTheScene(start: () => Promise<ServedBackend>): Promise<Scene> {
  const backend = await start();
  const { store, close } = await openStore(backend.place);
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

/** Resolves when something was refused for want of the store: so the outage was noticed. */
async function untilNoticed(errors: readonly ProgressError[]): Promise<void> {
  await expect
    .poll(() => errors.map(({ code }) => code), { timeout: 20_000 })
    .toContain("store-unavailable");
}

describe.each(SERVED_BACKENDS)("$name: the server is away for a while", ({ start }) => {
  test("given a job that runs meanwhile, nothing is thrown into it, and all that it said is written when the server is back", async () => {
    const { backend, web, errors, view } = await setTheScene(start);
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
        job.log("meanwhile");
        await untilNoticed(errors);
      });
      await backend.resume();
      job.log("after");
      return { counted: 200 };
    });
    expect(await running).toMatchObject({ status: "completed", result: { counted: 200 } });
    const record = await viewer.until("the end", ({ ends }) => ends > 0);
    expect(record.log.map(({ text }) => text)).toEqual(["before", "meanwhile", "after"]);
    expect(record.job?.metadata).toMatchObject({ count: 200 });
    // One stream all the while: the server's trouble with its store is none of the line's.
    expect(record.connections.filter((status) => status === "live")).toHaveLength(1);
    await expectRight(web.store, id, record);
  });

  test("given an end that comes meanwhile, it is delivered when the server is back", async () => {
    const { backend, web, errors, view } = await setTheScene(start);
    const { id } = await web.progress.create({ kind: "end" });
    const viewer = await view(id);
    const job = await web.progress.open(id);
    await viewer.until("that it runs", (record) => record.job?.status === "running");
    await backend.halt();
    const ending = job.complete({ done: true });
    await untilNoticed(errors);
    await backend.resume();
    expect(await ending).toMatchObject({ status: "completed" });
    const record = await viewer.until("the end", ({ ends }) => ends > 0);
    await expectRight(web.store, id, record);
  });

  test("given a request for a job meanwhile, refuses with a status that says to come back", async () => {
    const { backend, web, errors, view } = await setTheScene(start);
    const { id } = await web.progress.create({ kind: "late" });
    await backend.halt();
    const response = await fetch(`${web.baseUrl}/${id}/status`);
    expect([response.status, response.headers.get("retry-after")]).toEqual([
      503,
      expect.any(String),
    ]);
    expect(await response.json()).toMatchObject({ code: "store-unavailable" });
    const viewer = await view(id);
    await viewer.until("that it waits", ({ connections }) => connections.includes("waiting"));
    await backend.resume();
    await viewer.until("the job", ({ job }) => job?.status === "queued");
    expect(errors.every(({ code }) => code === "store-unavailable")).toBe(true);
  });
});

describe("redis: the server comes back without its data", () => {
  test("given a job that runs, its worker and its viewers are told that it is gone, and nobody waits for ever", async () => {
    const { backend, web, errors, view } = await setTheScene(() => redis(false));
    const { id } = await web.progress.create({ kind: "forgotten" });
    const viewer = await view(id);
    const job = await web.progress.open(id);
    await viewer.until("that it runs", (record) => record.job?.status === "running");
    await backend.halt();
    job.update({ message: "meanwhile" });
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

  test("given the same job made anew, its viewers are told of a reset, and then the truth", async () => {
    const { backend, web, view } = await setTheScene(() => redis(false));
    await web.progress.create({ kind: "anew", id: "anew", metadata: { made: "first" } });
    const viewer = await view("anew");
    await viewer.until("the first", ({ job }) => job?.metadata.made === "first");
    // The line is dead while the server loses its data, so that the viewer comes back to another job.
    web.proxy.setFaults(() => ({ kind: "refuse" }));
    web.proxy.cutAll();
    await backend.halt();
    await backend.resume();
    await expect
      .poll(
        () =>
          web.progress.create({ kind: "anew", id: "anew", metadata: { made: "again" } }).then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    web.proxy.setFaults(() => ({ kind: "pass" }));
    const record = await viewer.until("the second", ({ job }) => job?.metadata.made === "again");
    expect(record.resets).toBe(1);
  });
});
