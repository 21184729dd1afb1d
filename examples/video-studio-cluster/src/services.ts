import { createProgress, type JobStatusReport, type Progress } from "@emlinh/progress-server";
import { detectLanguage } from "@emlinh/video-studio/src/pipeline/language.js";
import { authorizeVideos } from "@emlinh/video-studio/src/server/authorize.js";
import { TEXTS } from "@emlinh/video-studio/src/server/texts.js";
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { createPositions, type Positions } from "./bullmq/positions.js";
import { openQueue, openRedis, type VideoData } from "./queue.js";
import type { Settings } from "./settings.js";
import { openSharedVideos, type SharedVideos } from "./shared-videos.js";
import { openStore } from "./store.js";

/** The services that web processes and workers both use. */
export interface Services {
  readonly settings: Settings;
  readonly progress: Progress;
  /** BullMQ's connection. */
  readonly redis: Redis;
  readonly queue: Queue<VideoData>;
  readonly positions: Positions;
  readonly videos: SharedVideos;
  /** Called with messages for the operator, which may contain paths. */
  readonly onNotice: (notice: string) => void;
  /** Runs work that nobody waits for, and reports its errors to the operator. */
  inBackground(work: Promise<unknown>): void;
  /** Closes all connections. Close everything that uses them first. */
  close(): Promise<void>;
}

/** Opens the connections of one process. */
export async function openServices(
  settings: Settings,
  onNotice: (notice: string) => void,
): Promise<Services> {
  const { store, close: closeStore } = openStore(settings, onNotice);
  const progress: Progress = createProgress({
    store,
    authorize: authorizeVideos(() => progress),
    leaseMs: settings.leaseMs,
    onError: ({ message, cause }) => onNotice(cause ? `${message} (${String(cause)})` : message),
  });
  const redis = openRedis(settings, onNotice);
  const queue = openQueue(redis);
  function inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => onNotice(String(error)));
  }
  return {
    settings,
    progress,
    redis,
    queue,
    positions: createPositions({ progress, queue, text: waitingText }),
    videos: await openSharedVideos(settings, (jobId) => inBackground(progress.remove(jobId))),
    onNotice,
    inBackground,
    async close() {
      await queue.close();
      redis.disconnect();
      await progress.close();
      await closeStore();
    },
  };
}

function waitingText({ metadata }: JobStatusReport, position: number): string {
  return TEXTS[detectLanguage(String(metadata.topic))].waiting(position);
}
