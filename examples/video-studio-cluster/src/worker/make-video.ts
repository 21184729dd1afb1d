import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Reporter } from "@emlinh/progress-server";
import { asVideoError } from "@emlinh/video-studio/src/pipeline/errors.js";
import type { VideoReport } from "@emlinh/video-studio/src/pipeline/messages.js";
import { startVideoWorker } from "@emlinh/video-studio/src/pipeline/start-worker.js";
import { bridgeTo } from "@emlinh/video-studio/src/server/bridge.js";
import { noticeOf, resultOf } from "@emlinh/video-studio/src/server/run-video.js";
import { type FailureCode, isFailureCode, TEXTS } from "@emlinh/video-studio/src/server/texts.js";
import { createWatchdog } from "@emlinh/video-studio/src/server/watchdog.js";
import type { VideoJob, VideoResult } from "@emlinh/video-studio/src/shared/video-job.js";
import type { Failure } from "../bullmq/bridge.js";
import type { VideoData } from "../queue.js";
import type { SharedVideos } from "../shared-videos.js";

/** Options of {@link makeVideo}. */
export interface MakeVideoOptions {
  readonly videos: SharedVideos;
  /** A directory on this machine. Each attempt works in a subdirectory of its own. */
  readonly scratchDir: string;
  /** Aborts when this process closes. The pipeline is then killed. */
  readonly closing: AbortSignal;
  /** Milliseconds without a message of the pipeline after which it is killed. */
  readonly silenceMs: number;
  /** The studio's built pipeline. */
  readonly workerFile: URL;
  /** Called with messages for the operator, which may contain paths. */
  readonly onNotice: (notice: string) => void;
}

/** The pipeline sent no message for too long, and was killed. */
class WorkerSilent extends Error {
  override readonly name: string = "WorkerSilent";
}

/**
 * Makes a video in a process and a directory of its own, and publishes it where all processes can reach it. So two
 * attempts never write to the same file, even if the worker of the first one still runs.
 *
 * @throws an error for {@link failureOf}.
 */
export async function makeVideo(
  job: Reporter<VideoJob>,
  { request }: VideoData,
  options: MakeVideoOptions,
): Promise<VideoResult> {
  const { scratchDir, closing, silenceMs, workerFile } = options;
  const watchdog = createWatchdog(silenceMs);
  await mkdir(scratchDir, { recursive: true });
  const outDir = await mkdtemp(join(scratchDir, `${job.id}-`));
  job.update({ message: null, metadata: { queuePosition: 0 } });
  const reports = sharedReports(job, options);
  try {
    const worker = startVideoWorker(request, {
      outDir,
      onMessage(report) {
        watchdog.reset();
        reports.add(report);
      },
      signal: AbortSignal.any([job.signal, closing, watchdog.signal]),
      workerFile,
    });
    const made = await worker.result;
    await reports.settled();
    // If another attempt has begun in the meantime, its video is the one to publish.
    job.signal.throwIfAborted();
    await options.videos.publish(job.id, { video: made.file, poster: made.poster });
    return resultOf(job.id, made);
  } catch (error) {
    await reports.settled();
    throw watchdog.signal.aborted ? new WorkerSilent("The pipeline sent no message.") : error;
  } finally {
    watchdog.stop();
    await rm(outDir, { recursive: true, force: true });
  }
}

interface SharedReports {
  add(report: VideoReport): void;
  /** Resolves when the last preview is published. */
  settled(): Promise<void>;
}

/** Passes the pipeline's reports on to the job. A preview is first copied to where all processes can reach it. */
function sharedReports(
  job: Reporter<VideoJob>,
  { videos, onNotice }: MakeVideoOptions,
): SharedReports {
  const bridge = bridgeTo(job);
  let copying: Promise<void> | undefined;

  async function share(report: VideoReport & { readonly type: "preview" }): Promise<void> {
    try {
      await videos.publishPreview(job.id, report.file);
      bridge(report);
    } catch (error) {
      // The video does not depend on its previews.
      onNotice(`The preview of ${job.id} could not be shared: ${String(error)}`);
    } finally {
      copying = undefined;
    }
  }

  return {
    add(report) {
      if (report.type !== "preview") bridge(report);
      // A preview that comes while another one is copied is left out. More will follow.
      else copying ??= share(report);
    },
    async settled() {
      await copying;
    },
  };
}

/** These end as `lost`, because another try may succeed. All others end as `failed`, because it would fail again. */
const LOST: ReadonlySet<FailureCode> = new Set<FailureCode>(["worker-died", "worker-silent"]);

/** The failure for an error that {@link makeVideo} threw. */
export function failureOf(error: unknown, { language }: VideoData): Failure {
  const code = error instanceof WorkerSilent ? "worker-silent" : asVideoError(error).code;
  return failureIn(language, isFailureCode(code) ? code : "internal");
}

/** The failure of a video whose workers died too often. */
export function workersDied({ language }: VideoData): Failure {
  return failureIn(language, "worker-died");
}

function failureIn(language: VideoData["language"], code: FailureCode): Failure {
  return {
    error: { code, message: TEXTS[language].failures[code] },
    status: LOST.has(code) ? "lost" : "failed",
  };
}

/** The operator's message about an error that {@link makeVideo} threw. */
export function noticeOfFailure(jobId: string, thrown: unknown): string {
  const error = asVideoError(thrown);
  return noticeOf(jobId, error.code, error);
}
