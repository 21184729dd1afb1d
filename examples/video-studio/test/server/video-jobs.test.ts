import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { expect, onTestFinished, test, vi } from "vitest";
import { parseVideoRequest } from "../../src/pipeline/request.js";
import { openVideoFiles } from "../../src/server/video-files.js";
import { createVideoJobs, type VideoJobs } from "../../src/server/video-jobs.js";
import { temporaryDirectory } from "./support.js";

const WISH = { request: parseVideoRequest({ topic: "Green tea" }), language: "en" } as const;

/** Jobs whose worker takes its task and is never heard of again. */
async function openJobs() {
  const store = memoryStore();
  const progress = createProgress({ store, authorize: allowAnyone });
  const notices: string[] = [];
  const jobs: VideoJobs = createVideoJobs({
    ...{ progress, store, maxWaiting: 20, silenceMs: 60_000 },
    files: await openVideoFiles(await temporaryDirectory(), 10, async () => false),
    workerFile: new URL("./hung-worker.mjs", import.meta.url),
    onNotice: (notice) => notices.push(notice),
  });
  onTestFinished(async () => {
    await jobs.close();
    await progress.close();
  });
  return { progress, store, jobs, notices };
}

test("given a close, refuses what comes after it, and a job that was being made meanwhile ends", async () => {
  const { progress, jobs } = await openJobs();
  const meanwhile = jobs.create(WISH);
  await jobs.close();
  const taken = await meanwhile;
  if (!("jobId" in taken)) throw new Error("Its place was reserved before the close.");
  expect(await progress.status(taken.jobId)).toMatchObject({
    status: "lost",
    error: { code: "server-stopped" },
  });
  expect(await jobs.create(WISH)).toEqual({ refused: "stopping" });
});

test("given many that wait, a close ends them all, and the store keeps no watch", async () => {
  const { progress, jobs, notices } = await openJobs();
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    const taken = await jobs.create(WISH);
    if ("jobId" in taken) ids.push(taken.jobId);
  }
  await jobs.close();
  const statuses = await Promise.all(ids.map(async (id) => (await progress.status(id))?.status));
  expect(statuses).toEqual(["lost", "lost", "lost", "lost", "lost"]);
  expect(progress.stats()).toEqual({ streams: 0, watchedJobs: 0, reporters: 0 });
  expect(notices).toHaveLength(1);
});

test("given jobs that end while they wait, whoever ends them, they leave the queue", async () => {
  const { progress, store, jobs } = await openJobs();
  const [, second, third, fourth] = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const taken = await jobs.create(WISH);
      return "jobId" in taken ? taken.jobId : "";
    }),
  );
  await progress.cancel(second ?? "");
  await store.write(third ?? "", { set: { status: "timed-out" }, log: [] });
  await vi.waitFor(async () =>
    expect(await progress.status(fourth ?? "")).toMatchObject({
      status: "queued",
      metadata: { queuePosition: 1 },
    }),
  );
  expect(await jobs.create(WISH)).toMatchObject({ position: 2 });
});
