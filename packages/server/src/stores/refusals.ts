import { ProgressError } from "@emlinh/progress-protocol";

/** No job has that id, and none that is remembered had it. */
export function jobNotFound(jobId: string): ProgressError {
  return new ProgressError("job-not-found", {
    message: `There is no job "${jobId}": create it first, and see that reader and worker use the same store.`,
    status: 404,
    details: { jobId },
  });
}

/** The job was there, and was removed. */
export function jobExpired(jobId: string): ProgressError {
  return new ProgressError("job-expired", {
    message: `The job "${jobId}" was removed: it ended, or was last written to, longer ago than the store keeps jobs (ttlMs, idleTtlMs, maxJobs).`,
    status: 410,
    details: { jobId },
  });
}

/** A write after the end (P6). */
export function jobFinished(jobId: string, status: string): ProgressError {
  return new ProgressError("job-finished", {
    message: `The job "${jobId}" has ended as "${status}": nothing can be written to it any more.`,
    status: 409,
    details: { jobId, status },
  });
}

/** A write of an attempt that isn't the job's any more. */
export function attemptSuperseded(jobId: string, attempt: number, current: number): ProgressError {
  return new ProgressError("attempt-superseded", {
    message: `Attempt ${attempt} of the job "${jobId}" can't write: attempt ${current} has begun. Stop this worker.`,
    status: 409,
    details: { jobId, attempt, current },
  });
}

/** What decides whether a job takes a write. */
export interface Standing {
  readonly id: string;
  /** The terminal status, once there is one. */
  readonly ended: string | undefined;
  readonly attempt: number;
}

/** The attempt that a change begins, and the one that its writer works on. */
export interface AttemptsOfChange {
  readonly begins: number | undefined;
  readonly attempt: number | undefined;
}

/** Refuses what comes after the end, or from an attempt that isn't the job's any more. */
export function refuseLate(job: Standing, { begins, attempt }: AttemptsOfChange): void {
  const { id, ended, attempt: current } = job;
  if (ended !== undefined) throw jobFinished(id, ended);
  // Of two workers that begin the same attempt at once, the second is refused: so one attempt has one worker.
  if (begins !== undefined && begins <= current) throw attemptSuperseded(id, begins, current);
  if (begins === undefined && attempt !== undefined && attempt < current)
    throw attemptSuperseded(id, attempt, current);
}

/** `create` with the id of another job. */
export function idTaken(jobId: string): ProgressError {
  return new ProgressError("invalid-change", {
    message: `There is a job "${jobId}" already: leave the id out to get a new one, or pass a key to get the same job twice.`,
    status: 409,
    details: { jobId },
  });
}

/** No room, and no job that has ended to make some. */
export function storeFull(maxJobs: number): ProgressError {
  return new ProgressError("store-full", {
    message: `The store holds ${maxJobs} jobs, and none of them has ended: end jobs, or raise maxJobs.`,
    retryable: true,
    status: 503,
    details: { maxJobs },
  });
}

/** A call after `close()`. */
export function storeClosed(): ProgressError {
  return new ProgressError("closed", { message: "The store is closed: make a new one." });
}
