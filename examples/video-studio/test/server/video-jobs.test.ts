import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { expect, onTestFinished, test } from "vitest";
import { parseVideoRequest } from "../../src/pipeline/request.js";
import { openVideoFiles } from "../../src/server/video-files.js";
import { createVideoJobs, type VideoJobs } from "../../src/server/video-jobs.js";
import { KEEP_ALL, temporaryDirectory } from "./support.js";

const ORDER = { request: parseVideoRequest({ topic: "Green tea" }), language: "en" } as const;

/** Opens jobs whose worker accepts its task and then sends nothing. */
async function openJobs() {
  const store = memoryStore();
  const progress = createProgress({ store, authorize: allowAnyone });
  const notices: string[] = [];
  const jobs: VideoJobs = createVideoJobs({
    ...{ progress, maxWaiting: 20, silenceMs: 60_000 },
    files: await openVideoFiles(await temporaryDirectory(), 10, KEEP_ALL),
    workerFile: new URL("./hung-worker.mjs", import.meta.url),
    onNotice: (notice) => notices.push(notice),
  });
  onTestFinished(async () => {
    await jobs.close();
    await progress.close();
  });
  return { store, progress, jobs, notices };
}

test("given a close while a job is created, ends that job and refuses later orders", async () => {
  const { progress, jobs } = await openJobs();
  const creating = jobs.create(ORDER);
  await jobs.close();
  const created = await creating;
  if (!("jobId" in created)) throw new Error("Its slot was reserved before the close.");
  expect(await progress.status(created.jobId)).toMatchObject({
    status: "lost",
    error: { code: "server-stopped" },
  });
  expect(await jobs.create(ORDER)).toEqual({ refused: "stopping" });
});

test("given waiting jobs, a close ends them all and leaves no watch", async () => {
  const { progress, jobs, notices } = await openJobs();
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    const created = await jobs.create(ORDER);
    if ("jobId" in created) ids.push(created.jobId);
  }
  await jobs.close();
  const statuses = await Promise.all(ids.map(async (id) => (await progress.status(id))?.status));
  expect(statuses).toEqual(["lost", "lost", "lost", "lost", "lost"]);
  expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0, reporters: 0 });
  expect(notices).toHaveLength(1);
});

test("given waiting jobs that end, by a cancel or otherwise, they leave the queue", async () => {
  const { progress, jobs } = await openJobs();
  const [, second = "", third = "", fourth = ""] = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const created = await jobs.create(ORDER);
      return "jobId" in created ? created.jobId : "";
    }),
  );
  await progress.cancel(second);
  await progress.end(third, "timed-out");
  await expect
    .poll(() => progress.status(fourth))
    .toMatchObject({
      status: "queued",
      metadata: { queuePosition: 1 },
    });
  expect(await jobs.create(ORDER)).toMatchObject({ position: 2 });
});

test("given the times of short videos, expects those of a long one to be as many times longer", async () => {
  const { progress, jobs, store } = await openJobs();
  async function planAfter(order: { topic: string; duration: number }): Promise<readonly number[]> {
    const created = await jobs.create({ ...ORDER, request: parseVideoRequest(order) });
    const state = "jobId" in created ? await progress.status(created.jobId) : undefined;
    return state?.plan.map(({ expectedMs = 0 }) => Math.round(expectedMs / 100) / 10) ?? [];
  }
  for (const seconds of [6, 8, 12])
    await store.learn("video", {
      ...{ speech: 600, "speech/size": 600 / seconds },
      ...{ render: 200 * seconds, "render/size": 200 },
    });
  expect(await planAfter({ topic: "Green tea", duration: 40 })).toEqual([0, 0.6, 0, 8, 0, 0]);
  // A text ends when it is spoken, whatever length was requested.
  const [, , , render = 0] = await planAfter({ topic: "It is cold. Take a coat!", duration: 40 });
  expect(render).toBeLessThan(1);
});
