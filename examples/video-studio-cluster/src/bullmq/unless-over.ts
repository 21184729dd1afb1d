import { isProgressError } from "@emlinh/progress-server";

/** Whether a write failed because the job has ended, was removed, or is another worker's. */
export function isOver(error: unknown): boolean {
  return (
    isProgressError(error, "job-finished") ||
    isProgressError(error, "job-expired") ||
    isProgressError(error, "job-not-found") ||
    isProgressError(error, "attempt-superseded") ||
    isProgressError(error, "hold-lost") ||
    isProgressError(error, "job-held")
  );
}

/** Waits for a write to a job. Resolves too if {@link isOver}: nothing is left to write. */
export async function unlessOver(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isOver(error)) throw error;
  }
}
