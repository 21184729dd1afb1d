import { randomBytes } from "node:crypto";
import { isProgressError, isTerminal, type ProgressStore } from "@emlinh/progress-server";
import { type VideoMetadata, videoJobIn } from "../shared/video-job.js";
import { createQueue } from "./queue.js";
import { giveUpVideo, type RunVideoOptions, runVideo, type VideoTask } from "./run-video.js";
import { TEXTS } from "./texts.js";

/** What somebody asks for. */
export interface Wish extends Omit<VideoTask, "jobId"> {
  readonly sessionId?: string | undefined;
  /** The same wish sent again has the same key. */
  readonly key?: string | undefined;
}

/** A job for a wish. */
interface Taken {
  readonly jobId: string;
  /** 0: it is being made; 1: it is next; `undefined`: it was there already. */
  readonly position: number | undefined;
}

/** Why there is no job for a wish. */
interface Refused {
  readonly refused: "full" | "stopping";
}

/** Makes videos, one at a time. */
export interface VideoJobs {
  /** Makes a job, unless there is one with this key. Resolves before the video is begun. */
  create(wish: Wish): Promise<Taken | Refused>;
  /** Ends all jobs, and resolves when no worker is left. Idempotent. */
  close(): Promise<void>;
}

/** What {@link createVideoJobs} takes. */
export interface VideoJobsOptions extends Omit<RunVideoOptions, "closing"> {
  readonly store: ProgressStore;
  readonly maxWaiting: number;
}

/** A job in the queue. */
interface Ticket extends VideoTask {
  readonly key: string | undefined;
  /** Aborts when it waits no more. */
  readonly left: AbortController;
}

/** An empty studio. */
export function createVideoJobs(options: VideoJobsOptions): VideoJobs {
  const { progress, store, files, maxWaiting, onNotice } = options;
  const closing = new AbortController();
  const queue = createQueue<Ticket>({
    maxWaiting,
    onMove: (ticket, position) => unwaited(tellPosition(ticket, position)),
    work: (ticket) => {
      ticket.left.abort();
      return reported(runVideo(ticket, { ...options, closing: closing.signal }));
    },
  });

  /** Waits for work, and tells the operator of what nobody else hears of. */
  async function reported(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      onNotice(`A job could not be told of: ${String(error)}`);
    }
  }

  function unwaited(work: Promise<void>): void {
    void reported(work);
  }

  /** Nobody works on a waiting job, so that there is no reporter, nor a lease: its position is written as it is. */
  async function tellPosition({ jobId, language }: Ticket, position: number): Promise<void> {
    const set = {
      "metadata.queuePosition": position,
      message: TEXTS[language].waiting(position),
    };
    try {
      await store.write(jobId, { set, log: [] });
    } catch (error) {
      if (!isProgressError(error, "job-finished")) throw error;
    }
  }

  /** Takes a waiting job out of the queue when it ends. The store wakes us after each change of it, whoever made it: a user who cancels. */
  async function leaveAtItsEnd(ticket: Ticket): Promise<void> {
    const { left, jobId } = ticket;
    const look = async (): Promise<void> => {
      if (left.signal.aborted) return;
      const job = await progress.status(jobId);
      if (job !== undefined && !isTerminal(job.status)) return;
      left.abort();
      queue.remove(ticket);
      await files.remove(jobId);
    };
    const unwatch = await store.watch(jobId, () => unwaited(look()));
    if (left.signal.aborted) return unwatch();
    left.signal.addEventListener("abort", () => unwaited(unwatch()), { once: true });
    await look();
  }

  return {
    async create(wish) {
      const { request, language, sessionId, key } = wish;
      const known = key === undefined ? undefined : queue.find((ticket) => ticket.key === key);
      if (known !== undefined) return { jobId: known.jobId, position: undefined };
      const place = queue.reserve();
      if (place === undefined) return { refused: closing.signal.aborted ? "stopping" : "full" };
      try {
        const { topic, duration, composition, background, voice = "" } = request;
        const metadata: VideoMetadata = {
          ...{ topic, duration, composition, background, voice, language },
          ...(sessionId !== undefined && { sessionId }),
        };
        const jobId = randomBytes(16).toString("hex");
        // Before the job: were this process killed between the two, the next one would find no mark of a job that waits for it.
        await files.reserve(jobId);
        const definition = videoJobIn(language);
        // An app with users would put the user into the key, so that nobody comes upon the job of another.
        const job = await progress.create({ id: jobId, definition, metadata, key });
        if (!job.created) {
          await files.remove(jobId);
          return { jobId: job.id, position: undefined };
        }
        const ticket = { jobId, request, language, key, left: new AbortController() };
        const position = place.take(ticket);
        if (position === undefined) await giveUpVideo(ticket, options);
        else if (position > 0) await leaveAtItsEnd(ticket);
        return { jobId, position };
      } finally {
        place.release();
      }
    },
    async close() {
      closing.abort();
      const waiting = queue.close();
      for (const ticket of waiting) ticket.left.abort();
      await Promise.all([
        queue.idle(),
        ...waiting.map((ticket) => reported(giveUpVideo(ticket, options))),
      ]);
    },
  };
}
