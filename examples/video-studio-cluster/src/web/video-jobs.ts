import type { VideoJobs, Wish } from "@emlinh/video-studio/src/server/video-jobs.js";
import { type VideoMetadata, videoJobIn } from "@emlinh/video-studio/src/shared/video-job.js";
import { JOB_NAME, jobOptions } from "../queue.js";
import type { Rooms } from "../rooms.js";

/** The studio's jobs, made in a queue that all web processes and workers share. */
export interface ClusterJobs extends VideoJobs {
  /** Takes a job that was cancelled while it waited out of the queue; of any other nothing changes. */
  leave(jobId: string): Promise<void>;
}

/** Whatever becomes of queue and workers, a job doesn't stay open for longer. */
const DEADLINE_MS = 30 * 60_000;

/** Makes jobs and puts them into the queue. Several processes may do so at once. */
export function createVideoJobs({ progress, queue, positions, settings }: Rooms): ClusterJobs {
  let isClosing = false;

  /** Idempotent: whoever repeats a request after a process died between the two steps puts the job into the queue now. */
  async function enqueue(jobId: string, { request, language }: Wish): Promise<number> {
    await queue.add(JOB_NAME, { request, language }, jobOptions(jobId, settings));
    return (await positions.tell()).indexOf(jobId) + 1;
  }

  return {
    async create(wish) {
      if (isClosing) return { refused: "stopping" };
      // Two processes at once may let one or two more in.
      if ((await queue.getWaitingCount()) >= settings.maxWaiting) return { refused: "full" };
      const { request, language, sessionId, key } = wish;
      const { topic, duration, composition, background, voice = "" } = request;
      const metadata: VideoMetadata = {
        ...{ topic, duration, composition, background, voice, language },
        ...(sessionId !== undefined && { sessionId }),
      };
      const definition = videoJobIn(language);
      // An app with users would put the user into the key, so that nobody comes upon the job of another.
      const job = await progress.create({ definition, metadata, key, deadlineMs: DEADLINE_MS });
      if (job.created) return { jobId: job.id, position: await enqueue(job.id, wish) };
      const state = await progress.status(job.id);
      if (state?.status === "queued") await enqueue(job.id, wish);
      return { jobId: job.id, position: undefined };
    },
    async leave(jobId) {
      const state = await progress.status(jobId);
      if (state?.status !== "cancelled") return;
      const bull = await queue.getJob(jobId);
      // One that a worker has is its worker's to end.
      if (bull === undefined || (await bull.isActive())) return;
      await bull.remove();
      await positions.tell();
    },
    async close() {
      isClosing = true;
    },
  };
}
