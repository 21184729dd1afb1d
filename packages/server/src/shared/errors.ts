import { type ErrorCode, isProgressError, ProgressError } from "@emlinh/progress-protocol";

/** Returns the error itself if it is a ProgressError, else `internal` with the error as its cause. */
export function asProgressError(error: unknown, message: string): ProgressError {
  return isOurs(error)
    ? error
    : new ProgressError("internal", { message, status: 500, cause: error });
}

/** {@link isProgressError} for a value that code of the app threw. Never throws: the value may be a proxy that does. */
export function isOurs(value: unknown, code?: ErrorCode): value is ProgressError {
  try {
    return isProgressError(value, code);
  } catch {
    return false;
  }
}

/** No job has this id, and the store remembers none that had it. */
export function jobNotFound(jobId: string): ProgressError {
  return new ProgressError("job-not-found", {
    message: `There is no job "${jobId}". Create it first, and check that reader and worker use the same store.`,
    status: 404,
    details: { jobId },
  });
}

/** The job existed and was removed. */
export function jobExpired(jobId: string): ProgressError {
  return new ProgressError("job-expired", {
    message: `The job "${jobId}" was removed. Raise ttlMs, idleTtlMs or maxJobs of the store to keep jobs for longer.`,
    status: 410,
    details: { jobId },
  });
}

/** The job has ended, so the write was refused (P6). */
export function jobFinished(jobId: string, status: string): ProgressError {
  return new ProgressError("job-finished", {
    message: `The job "${jobId}" has ended as "${status}" and can't be changed any more.`,
    status: 409,
    details: { jobId, status },
  });
}

/** A later attempt has begun, so the write of this one was refused. */
export function attemptSuperseded(
  jobId: string,
  attempt: number,
  current?: number | undefined,
): ProgressError {
  const later = current === undefined ? "a later attempt" : `attempt ${current}`;
  return new ProgressError("attempt-superseded", {
    message: `Attempt ${attempt} of the job "${jobId}" can't write because ${later} has begun. Stop this worker.`,
    status: 409,
    details: { jobId, attempt, ...(current !== undefined && { current }) },
  });
}

/** Another worker holds the job, so it was not opened. */
export function jobHeld(jobId: string): ProgressError {
  return new ProgressError("job-held", {
    message:
      `Another worker holds the job "${jobId}". Leave the job to it, or wait until its lease has run out. ` +
      'Open the job with attempt: "next" to begin a retry, or with takeOver: true if the other worker is gone.',
    retryable: true,
    status: 409,
    details: { jobId },
  });
}

/** Another worker opened the job, so the write of this one was refused. */
export function holdLost(jobId: string): ProgressError {
  return new ProgressError("hold-lost", {
    message: `Another worker took the job "${jobId}" over, so this one can't write to it any more. Stop this worker.`,
    status: 409,
    details: { jobId },
  });
}

/** `create` was given the id of another job. */
export function idTaken(jobId: string): ProgressError {
  return new ProgressError("invalid-change", {
    message:
      `The job id "${jobId}" is already in use. ` +
      "Leave the id out to get a new one, or pass a key to get the same job twice.",
    status: 409,
    details: { jobId },
  });
}

/** The store is full, and no job has ended that could make room. */
export function storeFull(maxJobs: number): ProgressError {
  return new ProgressError("store-full", {
    message: `The store holds ${maxJobs} jobs and none of them has ended. End jobs, or raise maxJobs.`,
    retryable: true,
    status: 503,
    details: { maxJobs },
  });
}

/** The store's database failed or did not answer. */
export function storeUnavailable(message: string, cause?: unknown): ProgressError {
  return new ProgressError("store-unavailable", { message, retryable: true, status: 503, cause });
}

/** The server is shutting down and accepts no new readers. */
export function draining(): ProgressError {
  return new ProgressError("draining", {
    message: "This server is shutting down and accepts no new readers. Connect to another one.",
    retryable: true,
    status: 503,
  });
}

/** The client of a request left before it was answered. No one receives the answer. */
export function clientGone(): ProgressError {
  return new ProgressError("closed", {
    message: "The client left before its request was answered.",
  });
}

/** A method was called after `close()`. */
export function closedError(what: string): ProgressError {
  return new ProgressError("closed", { message: `${what} is closed. Create a new one.` });
}

/** A method of a store was called after its `close()`. */
export function storeClosed(): ProgressError {
  return closedError("The store");
}
