import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { TEXTS } from "@emlinh/video-studio/src/server/texts.js";
import { type VideoJob, videoJob } from "@emlinh/video-studio/src/shared/video-job.js";
import { type Job as BullJob, Worker } from "bullmq";
import { type Bridge, createBridge } from "../bullmq/bridge.js";
import { QUEUE_NAME, type VideoData } from "../queue.js";
import { openServices, type Services } from "../services.js";
import type { Settings } from "../settings.js";
import { REQUEUE_MESSAGES } from "../texts.js";
import { failureOf, makeVideo, noticeOfFailure, workersDied } from "./make-video.js";

/** A worker that takes videos from the queue, one at a time. */
export interface QueueWorker {
  /** Puts the current video back into the queue, and resolves when everything is closed. */
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);
/** The studio's pipeline, as the studio's own build made it. Each video has a process of its own. */
const PIPELINE = pathToFileURL(require.resolve("@emlinh/video-studio/dist/worker.js"));

/** Starts a worker. Resolves when it waits for work. */
export async function startQueueWorker(
  settings: Settings,
  onNotice: (notice: string) => void,
): Promise<QueueWorker> {
  const services = await openServices(settings, onNotice);
  const closing = new AbortController();
  const bridge = videoBridge(services, closing.signal);
  const worker = new Worker<VideoData>(QUEUE_NAME, (bull, token) => bridge.process(bull, token), {
    connection: services.redis,
    name: `worker ${process.pid}`,
    lockDuration: settings.lockMs,
    stalledInterval: settings.stalledCheckMs,
    // A start after a stall is an attempt like any other.
    maxStalledCount: settings.attempts - 1,
  });
  listen(worker, bridge, services);
  await worker.waitUntilReady();
  return {
    async close() {
      closing.abort();
      await worker.close();
      await services.close();
    },
  };
}

function videoBridge(services: Services, closing: AbortSignal): Bridge<VideoData> {
  const { progress, queue, videos, settings, onNotice } = services;
  const { scratchDir, silenceMs } = settings;
  return createBridge<VideoData, VideoJob>({
    progress,
    queue,
    definition: videoJob,
    closing,
    work: (job, data) =>
      makeVideo(job, data, {
        ...{ videos, onNotice, workerFile: PIPELINE, closing, scratchDir, silenceMs },
      }),
    failureOf,
    workersDied,
    cancelledMessage: ({ language }) => TEXTS[language].cancelled,
    requeueMessages: ({ language }) => REQUEUE_MESSAGES[language],
  });
}

function listen(worker: Worker<VideoData>, bridge: Bridge<VideoData>, services: Services): void {
  const { positions, videos, inBackground, onNotice } = services;

  async function stalled(jobId: string): Promise<void> {
    await bridge.stalled(jobId);
    await positions.update();
  }

  async function failed(bull: BullJob<VideoData> | undefined, error: Error): Promise<void> {
    if (bull?.id !== undefined && error.name !== "UnrecoverableError")
      onNotice(noticeOfFailure(bull.id, error));
    await bridge.failed(bull);
    if (bull?.id !== undefined && bull.finishedOn !== undefined) await videos.remove(bull.id);
    await positions.update();
  }

  worker.on("active", () => inBackground(positions.update()));
  worker.on("stalled", (jobId) => inBackground(stalled(jobId)));
  worker.on("failed", (bull, error) => inBackground(failed(bull, error)));
  worker.on("error", (error) => onNotice(`BullMQ: ${error.message}`));
}
