import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { TEXTS } from "@emlinh/video-studio/src/server/texts.js";
import { videoJob } from "@emlinh/video-studio/src/shared/video-job.js";
import { type Job as BullJob, Worker } from "bullmq";
import { createBridge } from "../bullmq/bridge.js";
import { QUEUE_NAME, type VideoTicket } from "../queue.js";
import { openRooms } from "../rooms.js";
import type { Settings } from "../settings.js";
import { WAIT_WORDS } from "../texts.js";
import { judgeFailure, makeVideo, noticeOf, workersDied } from "./make-video.js";

/** A worker that takes videos out of the queue, one at a time. */
export interface VideoWorker {
  /** Gives the video that it makes back to the queue, and resolves when all is closed. */
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);
/** The studio's pipeline, as the studio's own build made it: one process for one video. */
const PIPELINE = pathToFileURL(require.resolve("@emlinh/video-studio/dist/worker.js"));

/** Starts a worker. Resolves when it looks for work. */
export async function startVideoWorker(
  settings: Settings,
  onNotice: (notice: string) => void,
): Promise<VideoWorker> {
  const rooms = await openRooms(settings, onNotice);
  const { positions, videos, unwaited } = rooms;
  const closing = new AbortController();
  const bridge = createBridge({
    ...rooms,
    definition: videoJob,
    closing: closing.signal,
    work: (job, ticket: VideoTicket) =>
      makeVideo(job, ticket, {
        ...{ videos, onNotice, workerFile: PIPELINE, closing: closing.signal },
        ...{ scratchDir: settings.scratchDir, silenceMs: settings.silenceMs },
      }),
    judge: judgeFailure,
    died: workersDied,
    cancelled: ({ language }) => TEXTS[language].cancelled,
    words: ({ language }) => WAIT_WORDS[language],
  });
  const worker = new Worker<VideoTicket>(QUEUE_NAME, (bull, token) => bridge.process(bull, token), {
    connection: rooms.redis,
    name: `worker ${process.pid}`,
    lockDuration: settings.lockMs,
    stalledInterval: settings.stalledCheckMs,
    // A start after a stall is an attempt like any other.
    maxStalledCount: settings.attempts - 1,
  });

  async function stalled(jobId: string): Promise<void> {
    await bridge.stalled(jobId);
    await positions.tell();
  }

  async function failed(bull: BullJob<VideoTicket> | undefined, error: Error): Promise<void> {
    if (bull?.id !== undefined && error.name !== "UnrecoverableError")
      onNotice(noticeOf(bull.id, error));
    await bridge.failed(bull);
    if (bull?.id !== undefined && bull.finishedOn !== undefined) await videos.remove(bull.id);
    await positions.tell();
  }

  worker.on("active", () => unwaited(positions.tell()));
  worker.on("stalled", (jobId) => unwaited(stalled(jobId)));
  worker.on("failed", (bull, error) => unwaited(failed(bull, error)));
  worker.on("error", (error) => onNotice(`BullMQ: ${error.message}`));
  await worker.waitUntilReady();

  return {
    async close() {
      closing.abort();
      await worker.close();
      await rooms.close();
    },
  };
}
