import { ProgressError, type TerminalStatus } from "@emlinh/progress-protocol";
import { jobFinished } from "../../shared/errors.js";

/** The work was asked to stop. */
export function cancelAsked(jobId: string): ProgressError {
  return stopped("job-cancelled", jobId, "was asked to be cancelled");
}

/** Another worker has begun a later attempt. */
export function superseded(jobId: string, attempt: number): ProgressError {
  return new ProgressError("attempt-superseded", {
    message: `Attempt ${attempt} of the job "${jobId}" can't write: a later one has begun. Stop this worker.`,
    status: 409,
    details: { jobId, attempt },
  });
}

/** The job was ended by another hand. */
export function endedElsewhere(status: TerminalStatus, jobId: string): ProgressError {
  switch (status) {
    case "cancelled":
      return cancelAsked(jobId);
    case "lost":
      return stopped("job-lost", jobId, "was given up as lost");
    case "timed-out":
      return stopped("job-timed-out", jobId, "has passed its deadline");
    default:
      return jobFinished(jobId, status);
  }
}

function stopped(
  code: "job-cancelled" | "job-lost" | "job-timed-out" | "job-expired",
  jobId: string,
  what: string,
): ProgressError {
  return new ProgressError(code, {
    message: `The job "${jobId}" ${what}: stop the work.`,
    details: { jobId },
  });
}

/** The job is gone. */
export function removed(jobId: string): ProgressError {
  return stopped("job-expired", jobId, "was removed");
}
