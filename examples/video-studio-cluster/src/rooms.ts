import {
  allowAnyone,
  createProgress,
  type JobStatusReport,
  type Progress,
  type ProgressStore,
} from "@emlinh/progress-server";
import { detectLanguage } from "@emlinh/video-studio/src/pipeline/language.js";
import { TEXTS } from "@emlinh/video-studio/src/server/texts.js";
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { createPositions, type Positions } from "./bullmq/positions.js";
import { openQueue, openRedis, type VideoTicket } from "./queue.js";
import type { Settings } from "./settings.js";
import { openSharedVideos, type SharedVideos } from "./shared-videos.js";
import { openStore } from "./store.js";

/** What a web process and a worker both work with. */
export interface Rooms {
  readonly settings: Settings;
  readonly store: ProgressStore;
  readonly progress: Progress;
  /** BullMQ's connection. */
  readonly redis: Redis;
  readonly queue: Queue<VideoTicket>;
  readonly positions: Positions;
  readonly videos: SharedVideos;
  /** Told of what the operator should know; it may name paths. */
  readonly onNotice: (notice: string) => void;
  /** Tells the operator if some work goes wrong for whose end nobody waits. */
  unwaited(work: Promise<unknown>): void;
  /** Closes all of it: what works with it has to be closed before. */
  close(): Promise<void>;
}

/** Opens the connections of one process. */
export async function openRooms(
  settings: Settings,
  onNotice: (notice: string) => void,
): Promise<Rooms> {
  const videos = await openSharedVideos(settings.videoDir, settings.maxVideos);
  const { store, close: closeStore } = openStore(settings, onNotice);
  const progress = createProgress({
    store,
    // Who has a job's id, which can't be guessed, may watch it and cancel it. An app with users would look here whether the job is theirs.
    authorize: allowAnyone,
    leaseMs: settings.leaseMs,
    onError: ({ message, cause }) => onNotice(cause ? `${message} (${String(cause)})` : message),
  });
  const redis = openRedis(settings, onNotice);
  const queue = openQueue(redis);
  return {
    settings,
    store,
    progress,
    redis,
    queue,
    positions: createPositions({ progress, store, queue, text: waitingText }),
    videos,
    onNotice,
    unwaited(work) {
      work.catch((error: unknown) => onNotice(String(error)));
    },
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
