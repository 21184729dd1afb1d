import { isTerminal, type JobState, type Progress } from "@emlinh/progress-server";
import { TEXTS } from "./texts.js";
import { unlessEnded } from "./unless-ended.js";
import type { VideoDirectory, VideoFiles } from "./video-files.js";

/**
 * Ends the jobs that an earlier run of the studio left unfinished, and removes their files. Nobody works on them any
 * more, so their readers need not wait until the lease runs out.
 *
 * @param directories - The directories that the earlier run left. A job has one from before it is created until it ends
 * without a video.
 */
export async function endUnfinished(
  directories: readonly VideoDirectory[],
  { progress, files }: { readonly progress: Progress; readonly files: VideoFiles },
): Promise<void> {
  for (const { jobId, hasVideo } of directories) {
    const job = await progress.status(jobId);
    // A video without a job stays until the next video is made.
    if (hasVideo && (job === undefined || job.status === "completed")) continue;
    if (job !== undefined && !isTerminal(job.status)) await endAsLost(progress, job);
    await files.remove(jobId);
  }
}

async function endAsLost(progress: Progress, { id, metadata }: JobState): Promise<void> {
  const code = "server-stopped";
  const message = TEXTS[metadata.language === "vi" ? "vi" : "en"].failures[code];
  await unlessEnded(progress.end(id, "lost", { message, error: { code, message } }));
}
