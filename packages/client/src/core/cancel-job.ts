import { unexpected } from "../transports/failure.js";
import { call } from "./call.js";
import type { CancelReply } from "./job-watch.js";
import type { ResolvedWatchOptions } from "./options.js";

/**
 * Asks the server to stop a job (P27).
 *
 * @param jobUrl - The address of the job.
 * @throws {@link ProgressError} with the code of the server's refusal.
 */
export async function cancelJob(
  options: ResolvedWatchOptions,
  jobUrl: string,
): Promise<CancelReply> {
  const reply = (await call(options, { url: `${jobUrl}/cancel` })) as
    | Partial<CancelReply>
    | undefined;
  const { jobId, status, cancelRequested } = reply ?? {};
  if (typeof jobId !== "string" || typeof status !== "string")
    throw unexpected("jobId and status", JSON.stringify(reply)).error;
  return { jobId, status, cancelRequested: cancelRequested === true };
}
