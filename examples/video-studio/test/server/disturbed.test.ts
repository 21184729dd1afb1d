import { beforeAll, describe, expect, test, vi } from "vitest";
import { buildWorker, findEncoder, processesOf, untilGone } from "../pipeline/support.js";
import {
  createVideo,
  directoriesOf,
  ended,
  LONG,
  type OpenStudio,
  openStudio,
  postVideo,
  until,
  watchVideo,
  withEncoderName,
  workersOf,
} from "./support.js";

const encoder = await findEncoder();
let workerFile: URL;

beforeAll(async () => {
  workerFile = await buildWorker("server-disturbed-test");
});

/** Requests a video, and resolves when its frames are being drawn and encoded. */
async function rendering(studio: OpenStudio) {
  const { jobId } = await createVideo(studio, LONG);
  const watch = watchVideo(studio, jobId);
  await until(watch, ({ steps }) => (steps.encode?.done ?? 0) > 0);
  const [pid = 0] = await workersOf(workerFile);
  expect((await processesOf(pid)).length).toBeGreaterThanOrEqual(2);
  return { watch, pid };
}

// Without an encoder these tests are skipped, visibly. In CI `findEncoder` fails instead.
describe.skipIf(!encoder)("with an encoder", { timeout: 60_000 }, () => {
  test("given a cancel during the render, ends the job and all of its processes", async () => {
    const studio = await openStudio({ workerFile });
    const { watch, pid } = await rendering(studio);
    const reply = await watch.cancel();
    expect(reply).toMatchObject({ cancelRequested: true });
    expect(await ended(watch)).toMatchObject({
      status: "cancelled",
      message: "Video đã bị hủy.",
      result: null,
      error: null,
    });
    await untilGone(pid);
    expect(await directoriesOf(studio.dataDir)).toEqual([]);
    expect(studio.notices).toEqual([]);
    expect(await watch.cancel()).toMatchObject({ status: "cancelled" });
  });

  test("given a worker that is killed, loses its job at once and begins the next one", async () => {
    const studio = await openStudio({ workerFile });
    const { watch, pid } = await rendering(studio);
    const next = await createVideo(studio, LONG);
    process.kill(pid, "SIGKILL");
    expect(await ended(watch)).toMatchObject({
      status: "lost",
      stale: false,
      error: { code: "worker-died", message: expect.stringContaining("Hãy yêu cầu lại") },
    });
    await untilGone(pid);
    expect(studio.notices).toEqual([expect.stringContaining("killed by SIGKILL")]);
    await until(watchVideo(studio, next.jobId), ({ status }) => status === "running");
  });

  test("given a close, sends the ends of the jobs to their watchers and leaves no process", async () => {
    const studio = await openStudio({ workerFile });
    const { watch, pid } = await rendering(studio);
    const waiting = watchVideo(studio, (await createVideo(studio, LONG)).jobId);
    await until(waiting, ({ metadata }) => metadata.queuePosition === 1);
    const ends = Promise.all([ended(watch), ended(waiting)]);
    await Promise.all([studio.close(), studio.close()]);
    await untilGone(pid);
    for (const end of await ends)
      expect(end).toMatchObject({ status: "lost", error: { code: "server-stopped" } });
    await expect(postVideo(studio, LONG)).rejects.toThrow();
    expect(await directoriesOf(studio.dataDir)).toEqual([]);
  });

  test("given three videos, makes one and sets the positions of the others", async () => {
    const studio = await openStudio({ workerFile });
    const replies = [
      await createVideo(studio, LONG),
      await createVideo(studio, LONG),
      await createVideo(studio, { ...LONG, topic: "The sea" }),
    ];
    expect(replies.map(({ message }) => message)).toEqual([
      "Video của bạn đang được tạo.",
      "Video của bạn là video tiếp theo.",
      "Your video is number 2 in the queue.",
    ]);
    const [first, second, third] = replies.map(({ jobId }) => watchVideo(studio, jobId));
    if (!first || !second || !third) throw new Error("There must be three watches.");
    const waiting = { status: "queued", startedAt: null };
    const isAt = (position: number) => (job: { metadata: { queuePosition?: number } }) =>
      job.metadata.queuePosition === position;
    expect(await until(first, isAt(0))).toMatchObject({ status: "running", message: null });
    expect(await until(second, isAt(1))).toMatchObject(waiting);
    expect(await until(third, isAt(2))).toMatchObject({
      ...waiting,
      message: "Your video is number 2 in the queue.",
    });

    // A waiting job is cancelled at once, and the one behind it moves up.
    expect(await second.cancel()).toMatchObject({ status: "cancelled" });
    expect(await ended(second)).toMatchObject({ status: "cancelled", startedAt: null });
    expect(await until(third, isAt(1))).toMatchObject({ message: "Your video is next." });
    await first.cancel();
    expect(await until(third, isAt(0))).toMatchObject({ status: "running", message: null });
    await until(third, ({ steps }) => steps.script !== undefined);
    expect(await workersOf(workerFile)).toHaveLength(1);
  });

  test("given a full queue, refuses another video, but accepts the keys of its jobs", async () => {
    const studio = await openStudio({ workerFile, maxWaiting: 1 });
    const key = { "idempotency-key": "mine" };
    const running = await createVideo(studio, LONG);
    const waiting = await createVideo(studio, LONG, key);
    const refused = await postVideo(studio, LONG);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "10"]);
    expect(await refused.json()).toMatchObject({
      ...{ code: "queue-full", status: 429, retryAfterMs: 10_000 },
      detail: expect.stringContaining("Hãy thử lại"),
    });
    expect((await createVideo(studio, LONG, key)).jobId).toBe(waiting.jobId);

    const watch = watchVideo(studio, running.jobId);
    await watch.cancel();
    await ended(watch);
    await until(watchVideo(studio, waiting.jobId), ({ status }) => status === "running");
    expect((await postVideo(studio, LONG)).status).toBe(202);
  });
});

test("given a worker that hangs, loses the job and leaves no process", async () => {
  const hung = new URL("./hung-worker.mjs", import.meta.url);
  const studio = await openStudio({
    ...{ workerFile: hung, silenceMs: 3_000, env: await withEncoderName() },
  });
  const watch = watchVideo(studio, (await createVideo(studio, LONG)).jobId);
  await until(watch, ({ status }) => status === "running");
  const pid = await vi.waitFor(async () => {
    const [found = 0] = await workersOf(hung);
    expect(found).toBeGreaterThan(0);
    return found;
  }, 2_500);
  expect(await ended(watch)).toMatchObject({ status: "lost", error: { code: "worker-silent" } });
  await untilGone(pid);
  expect(await directoriesOf(studio.dataDir)).toEqual([]);
  expect(studio.notices).toEqual([expect.stringContaining("worker-silent")]);
});
