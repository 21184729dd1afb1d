import type { VideoTask } from "@emlinh/video-studio/src/server/run-video.js";
import { type JobsOptions, Queue } from "bullmq";
import { Redis } from "ioredis";
import type { Settings } from "./settings.js";

/** BullMQ's queue; its keys in Redis begin with `bull:videos`. */
export const QUEUE_NAME = "videos";
/** The name of BullMQ's jobs. */
export const JOB_NAME = "make";

/** What a worker needs to know. The id of the BullMQ job is that of ours. */
export type VideoTicket = Omit<VideoTask, "jobId">;

/** How long BullMQ remembers what is over: only for those who look at its own tools. Ours is kept by the store. */
const KEPT = { age: 3_600, count: 1_000 } as const;

/** How a job is put into the queue. */
export function jobOptions(jobId: string, { attempts }: Settings): JobsOptions {
  return {
    // A second one with the same id is none: whoever is in doubt may add the job again.
    jobId,
    attempts,
    backoff: { type: "exponential", delay: 1_000 },
    removeOnComplete: KEPT,
    removeOnFail: KEPT,
  };
}

/** A connection as BullMQ wants it: its commands wait for Redis to come back, and do not fail. */
export function openRedis({ redisUrl }: Settings, onNotice: (notice: string) => void): Redis {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  redis.on("error", (error: Error) => onNotice(`Redis: ${error.message}`));
  return redis;
}

/** The queue, as those see it who put something into it or look at who waits. */
export function openQueue(connection: Redis): Queue<VideoTicket> {
  const queue = new Queue<VideoTicket>(QUEUE_NAME, { connection });
  // The connection tells its own errors; without a listener they would end the process.
  queue.on("error", () => {});
  return queue;
}
