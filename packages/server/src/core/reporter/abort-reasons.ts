import { ProgressError, type TerminalStatus } from "@emlinh/progress-protocol";
import { jobFinished } from "../../shared/errors.js";

/** The job was asked to be cancelled. */
export function cancelRequested(jobId: string): ProgressError {
  return stopped("job-cancelled", jobId, "was asked to be cancelled");
}

/** The job was ended by someone else than its worker. */
export function endedElsewhere(status: TerminalStatus, jobId: string): ProgressError {
  switch (status) {
    case "cancelled":
      return cancelRequested(jobId);
    case "lost":
      return stopped("job-lost", jobId, "ended as lost");
    case "timed-out":
      return stopped("job-timed-out", jobId, "passed its deadline");
    default:
      return jobFinished(jobId, status);
  }
}

/** The job was removed from its store. */
export function jobRemoved(jobId: string): ProgressError {
  return stopped("job-expired", jobId, "was removed");
}

function stopped(
  code: "job-cancelled" | "job-lost" | "job-timed-out" | "job-expired",
  jobId: string,
  what: string,
): ProgressError {
  return new ProgressError(code, {
    message: `The job "${jobId}" ${what}. Stop the work.`,
    details: { jobId },
  });
}
