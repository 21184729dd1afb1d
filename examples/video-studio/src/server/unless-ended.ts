import { isProgressError } from "@emlinh/progress-server";

/**
 * Waits for a write to a job. Resolves with `undefined` if the job has ended or was removed: nothing is left to write.
 */
export async function unlessEnded<Result>(write: Promise<Result>): Promise<Result | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isProgressError(error, "job-finished") || isProgressError(error, "job-expired"))
      return undefined;
    throw error;
  }
}
