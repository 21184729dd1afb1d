import {
  type Delta,
  isProgressError,
  isTerminal,
  type ProgressStore,
} from "@emlinh/progress-server";
import { TEXTS } from "./texts.js";
import type { KnownVideo, VideoFiles } from "./video-files.js";

/**
 * Ends what an earlier run of the studio left unfinished, since nobody works on it any more, and removes its files: its readers needn't wait until its
 * lease runs out.
 *
 * @param left - The directories that it left. Each job has one since before it was made, and until it ends other than well.
 */
export async function endUnfinished(
  left: readonly KnownVideo[],
  { store, files }: { readonly store: ProgressStore; readonly files: VideoFiles },
): Promise<void> {
  for (const { jobId, isWhole } of left) {
    const job = await readUnlessGone(store, jobId);
    const { status } = job?.set ?? {};
    // A whole one of whose job nothing is known was made before jobs were kept, or its job has expired: room is made of it in its turn.
    if (isWhole && (job === undefined || status === "completed")) continue;
    if (job !== undefined && !isTerminal(status)) await endAsLost(store, jobId, job);
    await files.remove(jobId);
  }
}

/** No reporter holds it, so that its end is written as it is. */
async function endAsLost(store: ProgressStore, jobId: string, { set }: Delta): Promise<void> {
  const { failures } = TEXTS[set["metadata.language"] === "vi" ? "vi" : "en"];
  const code = "server-stopped";
  const message = failures[code];
  const end = { status: "lost", stale: false, finishedAt: Date.now() };
  await store.write(jobId, { set: { ...end, error: { code, message }, message }, log: [] });
}

async function readUnlessGone(store: ProgressStore, jobId: string): Promise<Delta | undefined> {
  try {
    return await store.read(jobId);
  } catch (error) {
    if (isProgressError(error, "job-expired")) return undefined;
    throw error;
  }
}
