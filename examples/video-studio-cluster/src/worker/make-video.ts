import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Reporter } from "@emlinh/progress-server";
import { asVideoError } from "@emlinh/video-studio/src/pipeline/errors.js";
import type {
  VideoResult as MadeVideo,
  VideoReport,
} from "@emlinh/video-studio/src/pipeline/messages.js";
import { startVideoWorker } from "@emlinh/video-studio/src/pipeline/start-worker.js";
import { bridgeTo } from "@emlinh/video-studio/src/server/bridge.js";
import { type FailureCode, isFailureCode, TEXTS } from "@emlinh/video-studio/src/server/texts.js";
import { createWatchdog } from "@emlinh/video-studio/src/server/watchdog.js";
import { addressesOf } from "@emlinh/video-studio/src/shared/addresses.js";
import type { VideoJob, VideoResult } from "@emlinh/video-studio/src/shared/video-job.js";
import type { Verdict } from "../bullmq/bridge.js";
import type { VideoTicket } from "../queue.js";
import type { SharedVideos } from "../shared-videos.js";

/** What a video is made with. */
export interface MakeVideoOptions {
  readonly videos: SharedVideos;
  /** A directory of this machine's; each attempt works in one of its own below it. */
  readonly scratchDir: string;
  /** This process ends: the pipeline is ended too. */
  readonly closing: AbortSignal;
  /** Milliseconds without a word from the pipeline after which it hangs. */
  readonly silenceMs: number;
  /** The studio's built pipeline. */
  readonly workerFile: URL;
  /** For the operator's eyes: it may name paths. */
  readonly onNotice: (notice: string) => void;
}

/** The pipeline hung, and was ended. */
class WorkerSilent extends Error {
  override readonly name: string = "WorkerSilent";
}

/**
 * Makes a video in a process and a directory of its own, and puts it where all processes reach it: so that two attempts, of which one is only thought to
 * be dead, never write to the same file.
 *
 * @throws What {@link judgeFailure} knows the meaning of.
 */
export async function makeVideo(
  job: Reporter<VideoJob>,
  { request }: VideoTicket,
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
        reports.take(report);
      },
      signal: AbortSignal.any([job.signal, closing, watchdog.signal]),
      workerFile,
    });
    const made = await worker.result;
    await reports.settled();
    // Another attempt may have begun while this one went on: then that one's video is the one to be shown.
    job.signal.throwIfAborted();
    await options.videos.publish(job.id, { video: made.file, poster: made.poster });
    return resultOf(job.id, made);
  } catch (error) {
    await reports.settled();
    throw watchdog.signal.aborted ? new WorkerSilent("The pipeline said nothing.") : error;
  } finally {
    watchdog.stop();
    await rm(outDir, { recursive: true, force: true });
  }
}

interface Reports {
  take(report: VideoReport): void;
  /** Resolves when the last preview is where it belongs. */
  settled(): Promise<void>;
}

/** Passes on what the pipeline says; a preview only when all processes can reach it. */
function sharedReports(job: Reporter<VideoJob>, { videos, onNotice }: MakeVideoOptions): Reports {
  const bridge = bridgeTo(job);
  let copying: Promise<void> | undefined;

  async function share(report: VideoReport & { readonly type: "preview" }): Promise<void> {
    try {
      await videos.publishPreview(job.id, report.file);
      bridge(report);
    } catch (error) {
      // The video does not depend on it.
      onNotice(`The preview of ${job.id} could not be shared: ${String(error)}`);
    } finally {
      copying = undefined;
    }
  }

  return {
    take(report) {
      if (report.type !== "preview") bridge(report);
      // While one is being copied the next is left out: there will be another.
      else copying ??= share(report);
    },
    async settled() {
      await copying;
    },
  };
}

function resultOf(jobId: string, made: MadeVideo): VideoResult {
  const { durationMs, width, height, frames, bytes, title } = made;
  const { file, poster } = addressesOf(jobId);
  return { videoUrl: file, posterUrl: poster, durationMs, width, height, frames, bytes, title };
}

/** Might well succeed another time, on another machine; the rest would fail again. */
const LOST: ReadonlySet<FailureCode> = new Set<FailureCode>(["worker-died", "worker-silent"]);

/** What a failure of {@link makeVideo} is to those who watch. */
export function judgeFailure(error: unknown, { language }: VideoTicket): Verdict {
  const code = error instanceof WorkerSilent ? "worker-silent" : asVideoError(error).code;
  return verdictOf(isFailureCode(code) ? code : "internal", language);
}

/** The verdict on a video whose workers died once too often. */
export function workersDied({ language }: VideoTicket): Verdict {
  return verdictOf("worker-died", language);
}

function verdictOf(code: FailureCode, language: VideoTicket["language"]): Verdict {
  return {
    error: { code, message: TEXTS[language].failures[code] },
    status: LOST.has(code) ? "lost" : "failed",
  };
}

/** What the operator is told of a failure. */
export function noticeOf(jobId: string, error: unknown): string {
  const { code, message, details } = asVideoError(error);
  return `Video ${jobId} was not made (${code}): ${details ?? message}`;
}
