import {
  recordOf,
  type VideoJobs,
  type VideoOrder,
} from "@emlinh/video-studio/src/server/video-jobs.js";
import { videoJobIn } from "@emlinh/video-studio/src/shared/video-job.js";
import { JOB_NAME, jobOptions } from "../queue.js";
import type { Services } from "../services.js";

/** The studio's jobs, in a queue that all web processes and workers share. */
export interface ClusterJobs extends VideoJobs {
  /** Removes a job from the queue if it was cancelled while it waited. Leaves any other job unchanged. */
  removeCancelled(jobId: string): Promise<void>;
}

/** Milliseconds after which a job ends in any case, even if its queue or all workers are gone. */
const DEADLINE_MS = 30 * 60_000;

/** Creates jobs and puts them into the queue. Several processes may do so at once. */
export function createVideoJobs({ progress, queue, positions, settings }: Services): ClusterJobs {
  let isClosing = false;

  /** Idempotent. If a process dies before it has queued its job, a repeated request queues the job. */
  async function enqueue(jobId: string, { request, language }: VideoOrder): Promise<number> {
    await queue.add(JOB_NAME, { request, language }, jobOptions(jobId, settings));
    return (await positions.update()).indexOf(jobId) + 1;
  }

  return {
    async create(order) {
      if (isClosing) return { refused: "stopping" };
      // Two processes that check at the same time may accept one or two jobs more.
      if ((await queue.getWaitingCount()) >= settings.maxWaiting) return { refused: "full" };
      const job = await progress.create({
        definition: videoJobIn(order.language),
        ...recordOf(order),
        deadlineMs: DEADLINE_MS,
      });
      if (job.created) return { jobId: job.id, position: await enqueue(job.id, order) };
      const state = await progress.status(job.id);
      if (state?.status === "queued") await enqueue(job.id, order);
      return { jobId: job.id, position: undefined };
    },
    async removeCancelled(jobId) {
      const state = await progress.status(jobId);
      if (state?.status !== "cancelled") return;
      const bull = await queue.getJob(jobId);
      // If a worker has the job, that worker ends it.
      if (bull === undefined || (await bull.isActive())) return;
      await bull.remove();
      await positions.update();
    },
    async close() {
      isClosing = true;
    },
  };
}
