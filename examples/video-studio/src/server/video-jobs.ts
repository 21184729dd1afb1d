import { randomBytes } from "node:crypto";
import { type CreatedJob, isTerminal } from "@emlinh/progress-server";
import { expectedLengthMs } from "../pipeline/pace.js";
import type { VideoRequest } from "../pipeline/request.js";
import { templateScript } from "../pipeline/storyboard.js";
import { batchSubject, sessionSubject } from "../shared/session.js";
import { type VideoJob, type VideoMetadata, videoJobIn } from "../shared/video-job.js";
import { createQueue, type Queue } from "./queue.js";
import { abandonVideo, type RunVideoOptions, runVideo, type VideoTask } from "./run-video.js";
import { TEXTS } from "./texts.js";
import { unlessEnded } from "./unless-ended.js";

/** A checked request for a video. */
export interface VideoOrder extends Omit<VideoTask, "jobId"> {
  /** The session that requests it. `undefined` for a client without cookies. */
  readonly owner?: string | undefined;
  /** The batch of this session in which it is requested. */
  readonly batch?: string | undefined;
  readonly sessionId?: string | undefined;
  /** The idempotency key: the same for each try of one order. */
  readonly key?: string | undefined;
}

/** An order that has a job. */
interface AcceptedOrder {
  readonly jobId: string;
  /** 0: the video is being made; 1: it is next; `undefined`: the job existed already. */
  readonly position: number | undefined;
}

/** The reason for which an order is refused. */
export type OrderRefusal = "full" | "stopping" | "ffmpeg-missing";

/** An order that was refused. */
interface RefusedOrder {
  readonly refused: OrderRefusal;
}

/** Makes videos, one at a time. */
export interface VideoJobs {
  /** Creates a job, unless there is one with this key. Resolves before the work on the video begins. */
  create(order: VideoOrder): Promise<AcceptedOrder | RefusedOrder>;
  /** Ends all jobs, and resolves when no worker is left. Idempotent. */
  close(): Promise<void>;
}

/** Options of {@link createVideoJobs}. */
export interface VideoJobsOptions extends Omit<RunVideoOptions, "closing"> {
  readonly maxWaiting: number;
}

/** A job in the queue. */
interface QueuedVideo extends VideoTask {
  readonly key: string | undefined;
  /** Aborts when the job stops waiting. */
  readonly left: AbortController;
}

/** Creates the jobs of a studio. At first there are none. */
export function createVideoJobs(options: VideoJobsOptions): VideoJobs {
  const { maxWaiting } = options;
  const closing = new AbortController();
  const queue = createQueue<QueuedVideo>({
    maxWaiting,
    onMove: (video, position) =>
      void noticeErrors(options, updatePosition(options, video, position)),
    work: (video) => {
      video.left.abort();
      return noticeErrors(options, runVideo(video, { ...options, closing: closing.signal }));
    },
  });
  return {
    async create(order) {
      const { request, language } = order;
      const key = keyOf(order);
      const known = key === undefined ? undefined : queue.find((video) => video.key === key);
      if (known !== undefined) return { jobId: known.jobId, position: undefined };
      const reservation = queue.reserve();
      if (reservation === undefined)
        return { refused: closing.signal.aborted ? "stopping" : "full" };
      try {
        const { id: jobId, created } = await createJob(options, order);
        if (!created) return { jobId, position: undefined };
        const video = { jobId, request, language, key, left: new AbortController() };
        const position = reservation.add(video);
        if (position === undefined) await abandonVideo(video, options);
        else if (position > 0) await leaveQueueAtEnd(options, queue, video);
        return { jobId, position };
      } finally {
        reservation.release();
      }
    },
    async close() {
      closing.abort();
      const waiting = queue.close();
      for (const video of waiting) video.left.abort();
      const abandoned = waiting.map((video) => noticeErrors(options, abandonVideo(video, options)));
      await Promise.all([queue.idle(), ...abandoned]);
    },
  };
}

/** Creates a job and its directory, unless there is a job with this key. */
async function createJob(
  { progress, files }: VideoJobsOptions,
  order: VideoOrder,
): Promise<CreatedJob<VideoJob>> {
  const id = randomBytes(16).toString("hex");
  // The directory comes first: if the process is killed between the two, no job is without a directory.
  await files.reserve(id);
  const job = await progress.create<VideoJob>({
    id,
    definition: videoJobIn(order.language),
    ...recordOf(order),
  });
  if (!job.created) await files.remove(id);
  return job;
}

/** Takes a waiting job out of the queue when it ends, for example because its user cancels it. */
async function leaveQueueAtEnd(
  { progress, files }: VideoJobsOptions,
  queue: Queue<QueuedVideo>,
  video: QueuedVideo,
): Promise<void> {
  const { left, jobId } = video;
  const stop = await progress.watch(jobId, async (job) => {
    if (left.signal.aborted || (job !== undefined && !isTerminal(job.status))) return;
    left.abort();
    queue.remove(video);
    await files.remove(jobId);
  });
  if (left.signal.aborted) stop();
  else left.signal.addEventListener("abort", stop, { once: true });
}

async function updatePosition(
  { progress }: VideoJobsOptions,
  { jobId, language }: VideoTask,
  position: number,
): Promise<void> {
  const message = TEXTS[language].waiting(position);
  await unlessEnded(progress.update(jobId, { message, metadata: { queuePosition: position } }));
}

/** Reports errors of work that nobody waits for to the operator. */
async function noticeErrors({ onNotice }: VideoJobsOptions, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    onNotice(`A job could not be updated: ${String(error)}`);
  }
}

/** The parts of a new job that say what was requested, and by whom. */
export function recordOf(order: VideoOrder): {
  readonly metadata: VideoMetadata;
  /** The expected seconds of the video, by which the ETA is learned. */
  readonly size: number;
  readonly subjects: readonly string[];
  readonly key: string | undefined;
} {
  const { owner, batch } = order;
  const subjects = owner === undefined ? [] : [sessionSubject(owner)];
  if (batch !== undefined) subjects.push(batchSubject(batch));
  return {
    metadata: metadataOf(order),
    size: videoSize(order.request),
    subjects,
    key: keyOf(order),
  };
}

/** The session is a part of the key, so that no session gets the job of another one. */
function keyOf({ owner, key }: VideoOrder): string | undefined {
  return key === undefined || owner === undefined ? key : `${owner} ${key}`;
}

/** About how many seconds the video of a request has. */
export function videoSize(request: Pick<VideoRequest, "topic" | "duration">): number {
  return expectedLengthMs(templateScript(request), request.duration) / 1000;
}

function metadataOf({ request, language, owner, batch, sessionId }: VideoOrder): VideoMetadata {
  const { topic, duration, composition, background, voice = "" } = request;
  return {
    ...{ topic, duration, composition, background, voice, language },
    ...(owner !== undefined && { owner }),
    ...(batch !== undefined && { batch }),
    ...(sessionId !== undefined && { sessionId }),
  };
}
