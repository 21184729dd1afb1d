import { ProgressError } from "@emlinh/progress-protocol";
import type { Settings } from "../options.js";

/** Bounds the streams and held polls that are open at once, in this process and per job. */
export interface StreamLimiter {
  /**
   * Takes a slot for one stream of a job.
   *
   * @returns a function that gives the slot back. Call it once.
   * @throws ProgressError `too-many-streams`
   */
  take(jobId: string): () => void;
  /** Slots that are taken. */
  count(): number;
  /** Resolves once no slot is taken. */
  whenNone(): Promise<void>;
}

/** Starts with all slots free. */
export function streamLimiter({
  maxStreams,
  maxStreamsPerJob,
}: Pick<Settings, "maxStreams" | "maxStreamsPerJob">): StreamLimiter {
  const byJob = new Map<string, number>();
  let taken = 0;
  let waiting: (() => void)[] = [];

  function giveBack(jobId: string): void {
    taken -= 1;
    const left = (byJob.get(jobId) ?? 1) - 1;
    if (left > 0) byJob.set(jobId, left);
    else byJob.delete(jobId);
    if (taken > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  return {
    take(jobId) {
      const ofJob = byJob.get(jobId) ?? 0;
      if (taken >= maxStreams) throw tooManyStreams("in this process", maxStreams);
      if (ofJob >= maxStreamsPerJob)
        throw tooManyStreams(`of the job "${jobId}"`, maxStreamsPerJob);
      taken += 1;
      byJob.set(jobId, ofJob + 1);
      return () => giveBack(jobId);
    },
    count: () => taken,
    async whenNone() {
      if (taken > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

function tooManyStreams(where: string, max: number): ProgressError {
  return new ProgressError("too-many-streams", {
    message:
      `The limit of ${max} open streams ${where} is reached. ` +
      "Raise maxStreams or maxStreamsPerJob, or add a process.",
    retryable: true,
    status: 429,
    details: { max },
  });
}
