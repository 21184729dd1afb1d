import { isProgressError, type Progress, type Reporter } from "@emlinh/progress-server";
import { asVideoError, type VideoError } from "../pipeline/errors.js";
import type { Language } from "../pipeline/language.js";
import type { VideoResult as MadeVideo } from "../pipeline/messages.js";
import type { VideoRequest } from "../pipeline/request.js";
import { startVideoWorker } from "../pipeline/start-worker.js";
import { addressesOf } from "../shared/addresses.js";
import type { VideoJob, VideoResult } from "../shared/video-job.js";
import { bridgeTo } from "./bridge.js";
import { type FailureCode, isFailureCode, TEXTS } from "./texts.js";
import type { VideoFiles } from "./video-files.js";
import { createWatchdog } from "./watchdog.js";

/** A job and what to make for it. */
export interface VideoTask {
  readonly jobId: string;
  readonly request: VideoRequest;
  readonly language: Language;
}

/** What a video is made with. */
export interface RunVideoOptions {
  readonly progress: Progress;
  readonly files: VideoFiles;
  /** The studio closes: the worker is ended, and the job with it. */
  readonly closing: AbortSignal;
  /** Milliseconds without a word from the worker after which it hangs. */
  readonly silenceMs: number;
  /** @defaultValue `worker.js` beside the running file */
  readonly workerFile?: URL | undefined;
  /** The worker's environment. @defaultValue this process's */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** For the operator's eyes: it may name paths. */
  readonly onNotice: (notice: string) => void;
}

/**
 * Makes one video in a process of its own, tells the job all that happens to it, and ends the job exactly once. Does nothing if the job has
 * ended already: cancelled while it waited.
 */
export async function runVideo(task: VideoTask, options: RunVideoOptions): Promise<void> {
  const job = await openUnlessEnded(task.jobId, options.progress);
  if (job === undefined) return options.files.remove(task.jobId);
  try {
    await make(job, task, options);
  } catch (error) {
    // It was ended elsewhere, at the moment at which it was ended here: then there is nothing left to say.
    if (!isProgressError(error, "job-finished")) throw error;
  } finally {
    await job.close();
  }
}

async function openUnlessEnded(
  jobId: string,
  progress: Progress,
): Promise<Reporter<VideoJob> | undefined> {
  try {
    return await progress.open<VideoJob>(jobId);
  } catch (error) {
    const isOver = isProgressError(error, "job-finished") || isProgressError(error, "job-expired");
    if (isOver) return undefined;
    throw error;
  }
}

async function make(
  job: Reporter<VideoJob>,
  { jobId, request, language }: VideoTask,
  options: RunVideoOptions,
): Promise<void> {
  const { files, closing, silenceMs, workerFile, env, onNotice } = options;
  const watchdog = createWatchdog(silenceMs);
  const bridge = bridgeTo(job);
  job.update({ message: null, metadata: { queuePosition: 0 } });
  try {
    const worker = startVideoWorker(request, {
      outDir: await files.make(jobId),
      onMessage(report) {
        watchdog.reset();
        bridge(report);
      },
      signal: AbortSignal.any([job.signal, closing, watchdog.signal]),
      workerFile,
      env,
    });
    const made = await worker.result;
    await files.removePreview(jobId);
    await job.complete(resultOf(jobId, made));
  } catch (thrown) {
    const error = asVideoError(thrown);
    const isSilent = watchdog.signal.aborted;
    const code = closing.aborted ? "server-stopped" : isSilent ? "worker-silent" : error.code;
    if (code !== "cancelled") onNotice(noticeOf(jobId, code, error));
    // What can't be removed now is removed at the next start; the job has to end all the same.
    await files.remove(jobId).catch((cause: unknown) => onNotice(String(cause)));
    await endBadly(job, code, TEXTS[language]);
  } finally {
    watchdog.stop();
  }
}

/** Ends a job as one that the studio did not come to, since it closes. Does nothing if the job has ended already. */
export async function giveUpVideo(
  { jobId, language }: VideoTask,
  { progress, files }: Pick<RunVideoOptions, "progress" | "files">,
): Promise<void> {
  await files.remove(jobId);
  const job = await openUnlessEnded(jobId, progress);
  if (job !== undefined) await endBadly(job, "server-stopped", TEXTS[language]);
}

/** `lost` says that the work might well succeed another time; `failed` says that it would fail again. */
const LOST: ReadonlySet<string> = new Set<FailureCode>([
  "worker-died",
  "worker-silent",
  "server-stopped",
]);

async function endBadly(
  job: Reporter<VideoJob>,
  code: string,
  { failures, cancelled }: (typeof TEXTS)[Language],
): Promise<void> {
  if (code === "cancelled") {
    await job.cancelled(cancelled);
    return;
  }
  const known = isFailureCode(code) ? code : "internal";
  const error = { code: known, message: failures[known] };
  if (LOST.has(known)) await job.end("lost", { error, message: error.message });
  else await job.fail({ ...error, ...(job.state.step !== null && { step: job.state.step }) });
}

function resultOf(jobId: string, made: MadeVideo): VideoResult {
  const { durationMs, width, height, frames, bytes, title } = made;
  const { file, poster } = addressesOf(jobId);
  return { videoUrl: file, posterUrl: poster, durationMs, width, height, frames, bytes, title };
}

function noticeOf(jobId: string, code: string, { message, details }: VideoError): string {
  return `Video ${jobId} was not made (${code}): ${details ?? message}`;
}
