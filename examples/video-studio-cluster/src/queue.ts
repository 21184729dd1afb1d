import type { VideoTask } from "@emlinh/video-studio/src/server/run-video.js";
import { type JobsOptions, Queue } from "bullmq";
import { Redis } from "ioredis";
import type { Settings } from "./settings.js";

/** The name of BullMQ's queue. Its keys in Redis begin with `bull:videos`. */
export const QUEUE_NAME = "videos";
/** The name of BullMQ's jobs. */
export const JOB_NAME = "make";

/** The data of a BullMQ job. Its id is the id of our job. */
export type VideoData = Omit<VideoTask, "jobId">;

/** How long BullMQ keeps finished jobs, for its own tools. The store keeps our jobs. */
const KEPT = { age: 3_600, count: 1_000 } as const;

/** The options with which a job is put into the queue. */
export function jobOptions(jobId: string, { attempts }: Settings): JobsOptions {
  return {
    // BullMQ ignores a second job with the same id, so a job may be added again at any time.
    jobId,
    attempts,
    backoff: { type: "exponential", delay: 1_000 },
    removeOnComplete: KEPT,
    removeOnFail: KEPT,
  };
}

/** Opens a connection for BullMQ. Its commands do not fail while Redis is unavailable: they wait for it. */
export function openRedis({ redisUrl }: Settings, onNotice: (notice: string) => void): Redis {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  redis.on("error", (error: Error) => onNotice(`Redis: ${error.message}`));
  return redis;
}

/** Opens the queue to add jobs to it and to read it. */
export function openQueue(connection: Redis): Queue<VideoData> {
  const queue = new Queue<VideoData>(QUEUE_NAME, { connection });
  // The connection reports its own errors. Without a listener here they would end the process.
  queue.on("error", () => {});
  return queue;
}
