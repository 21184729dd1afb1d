import { isTerminal, type JobState, type JobTypes, ProgressError } from "@emlinh/progress-protocol";
import type { JobWatch } from "./job-watch.js";

/** The part of a watch that states and result are derived from. */
export type JobSource<Job extends JobTypes> = Pick<
  JobWatch<Job>,
  "jobId" | "getSnapshot" | "subscribe"
>;

/** The states of a job until its watch is closed. A slow consumer skips states, but never the last one. */
export async function* jobStates<Job extends JobTypes>(
  source: JobSource<Job>,
): AsyncGenerator<JobState<Job>, void, undefined> {
  let wake = (): void => {};
  const unsubscribe = source.subscribe(() => wake());
  try {
    let seen: JobState<Job> | undefined;
    for (;;) {
      const { job, connection } = source.getSnapshot();
      if (job && job !== seen) {
        seen = job;
        yield job;
      } else if (connection.status === "closed") {
        if (connection.error && connection.error.code !== "stopped") throw connection.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    unsubscribe();
  }
}

/** The result of a job once it is `completed`. Rejects if the job ends otherwise, or the watch is closed before. */
async function jobResult<Job extends JobTypes>(source: JobSource<Job>): Promise<Job["result"]> {
  for await (const _job of jobStates(source));
  const { job, connection } = source.getSnapshot();
  if (job?.status === "completed") return job.result;
  const { jobId } = source;
  if (job && isTerminal(job.status)) {
    const { status, error } = job;
    throw new ProgressError(`job-${status}`, {
      message: `The job "${jobId}" ended as ${status}: ${error?.message ?? "no reason was given"}`,
      details: { jobId, error: error && { ...error } },
    });
  }
  // Only a foreign server says that a job has ended without a final status.
  const message = `The server ended the job "${jobId}" without a final status.`;
  throw connection.error ?? new ProgressError("network", { message });
}

/** Returns a function that returns the promise of the result, the same one each time. The first call connects. */
export function lazyResult<Job extends JobTypes>(
  source: JobSource<Job>,
): () => Promise<Job["result"]> {
  let result: Promise<Job["result"]> | undefined;
  return () => {
    if (!result) {
      result = jobResult(source);
      // Reading the property alone must not cause an unhandled rejection. Code that awaits the promise still gets it.
      result.catch(() => {});
    }
    return result;
  };
}
