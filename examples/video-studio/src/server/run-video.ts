import { isProgressError, type Progress, type Reporter } from "@emlinh/progress-server";
import { asVideoError, type VideoError } from "../pipeline/errors.js";
import type { Language } from "../pipeline/language.js";
import type { MadeVideo } from "../pipeline/messages.js";
import type { VideoRequest } from "../pipeline/request.js";
import { startVideoWorker } from "../pipeline/start-worker.js";
import { addressesOf } from "../shared/addresses.js";
import type { VideoJob, VideoResult } from "../shared/video-job.js";
import { bridgeTo } from "./bridge.js";
import { type FailureCode, isFailureCode, TEXTS } from "./texts.js";
import { unlessEnded } from "./unless-ended.js";
import type { VideoFiles } from "./video-files.js";
import { createWatchdog } from "./watchdog.js";

/** A job and the video to make for it. */
export interface VideoTask {
  readonly jobId: string;
  readonly request: VideoRequest;
  readonly language: Language;
}

/** Options of {@link runVideo}. */
export interface RunVideoOptions {
  readonly progress: Progress;
  readonly files: VideoFiles;
  /** Aborts when the studio closes. The worker is then killed, and the job ends. */
  readonly closing: AbortSignal;
  /** Milliseconds without a message of the worker after which it is killed. */
  readonly silenceMs: number;
  /** @defaultValue `worker.js` in the folder of the running file */
  readonly workerFile?: URL | undefined;
  /** The worker's environment. @defaultValue this process's environment */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Called with messages for the operator, which may contain paths. */
  readonly onNotice: (notice: string) => void;
}

/**
 * Makes one video in a process of its own, reports its progress to the job, and ends the job exactly once. Does nothing
 * if the job has ended already, because it was cancelled while it waited.
 */
export async function runVideo(task: VideoTask, options: RunVideoOptions): Promise<void> {
  const { progress, files } = options;
  const job = await unlessEnded(progress.open<VideoJob>(task.jobId));
  if (job === undefined) return files.remove(task.jobId);
  try {
    await make(job, task, options);
  } catch (error) {
    // Someone else ended the job at the same moment. Nothing is left to report.
    if (!isProgressError(error, "job-finished")) throw error;
  } finally {
    await job.close();
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
    // Files that can't be removed now are removed at the next start. The job has to end anyway.
    await files.remove(jobId).catch((cause: unknown) => onNotice(String(cause)));
    await endWithoutVideo(job, code, TEXTS[language]);
  } finally {
    watchdog.stop();
  }
}

/** Ends a job whose video was not begun when the studio closed. Does nothing if the job has ended already. */
export async function abandonVideo(
  { jobId, language }: VideoTask,
  { progress, files }: Pick<RunVideoOptions, "progress" | "files">,
): Promise<void> {
  await files.remove(jobId);
  const code = "server-stopped";
  const message = TEXTS[language].failures[code];
  await unlessEnded(progress.end(jobId, "lost", { message, error: { code, message } }));
}

/** These end as `lost`, because another try may succeed. All others end as `failed`, because it would fail again. */
const LOST: ReadonlySet<string> = new Set<FailureCode>([
  "worker-died",
  "worker-silent",
  "server-stopped",
]);

async function endWithoutVideo(
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

/** The result of a job whose video is made. */
export function resultOf(jobId: string, made: MadeVideo): VideoResult {
  const { durationMs, width, height, frames, bytes, title } = made;
  const { file, poster } = addressesOf(jobId);
  return { videoUrl: file, posterUrl: poster, durationMs, width, height, frames, bytes, title };
}

/** The operator's message about a video that was not made. It may contain paths. */
export function noticeOf(jobId: string, code: string, { message, details }: VideoError): string {
  return `Video ${jobId} was not made (${code}): ${details ?? message}`;
}
