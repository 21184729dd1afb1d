import { readFile, rename, writeFile } from "node:fs/promises";
import { ProgressError } from "@emlinh/progress-server";
import type { StoredJob } from "./stored-job.js";

/** Reads the jobs of a file, by id. A missing file has no jobs. */
export async function loadJobs(path: string): Promise<ReadonlyMap<string, StoredJob>> {
  try {
    const jobs: readonly StoredJob[] = JSON.parse(await readFile(path, "utf8"));
    return new Map(jobs.map((job) => [job.id, job]));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw unavailable(`The jobs in "${path}" can't be read.`, cause);
  }
}

/** Writes all jobs to the file or none: the rename replaces the whole file atomically. */
export async function saveJobs(path: string, jobs: Iterable<StoredJob>): Promise<void> {
  try {
    await writeFile(`${path}.new`, JSON.stringify([...jobs]));
    await rename(`${path}.new`, path);
  } catch (cause) {
    throw unavailable(`The jobs can't be written to "${path}".`, cause);
  }
}

function unavailable(message: string, cause: unknown): ProgressError {
  return new ProgressError("store-unavailable", { message, cause, retryable: true, status: 503 });
}
