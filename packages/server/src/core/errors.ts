import { isProgressError, ProgressError } from "@emlinh/progress-protocol";

/** An error as one of ours: itself, or `internal` with it as the cause. */
export function asProgressError(error: unknown, message: string): ProgressError {
  return isProgressError(error)
    ? error
    : new ProgressError("internal", { message, status: 500, cause: error });
}

/** No job has that id. */
export function jobNotFound(jobId: string): ProgressError {
  return new ProgressError("job-not-found", {
    message: `There is no job "${jobId}": create it first, and see that reader and worker use the same store.`,
    status: 404,
    details: { jobId },
  });
}

/** The job has an end already. */
export function jobFinished(jobId: string, status: string): ProgressError {
  return new ProgressError("job-finished", {
    message: `The job "${jobId}" has ended as "${status}": nothing can be written to it any more.`,
    status: 409,
    details: { jobId, status },
  });
}

/** The server takes no new readers. */
export function draining(): ProgressError {
  return new ProgressError("draining", {
    message:
      "This server is about to stop and takes no new readers: they come back to another one.",
    retryable: true,
    status: 503,
  });
}

/** A call after `close()`. */
export function closedError(what: string): ProgressError {
  return new ProgressError("closed", { message: `${what} is closed: make a new one.` });
}
