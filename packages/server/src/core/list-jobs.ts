import {
  type AnyJob,
  DEFAULT_LISTED_JOBS,
  isProgressError,
  type JobState,
  type JobTypes,
  MAX_LISTED_JOBS,
  SUBJECT,
} from "@emlinh/progress-protocol";
import { SUBJECT_RULE } from "../shared/ids.js";
import { checksFor } from "../shared/option-checks.js";
import type { Jobs } from "./jobs.js";

/** Options of `list`. */
export interface ListOptions {
  /** Whose jobs are listed, such as `"user:42"`. */
  readonly subject: string;
  /** The most jobs that are returned: 1 to 100. @defaultValue `50` */
  readonly limit?: number | undefined;
  /** The `next` of an earlier page. @defaultValue the first page */
  readonly before?: string | undefined;
}

/** Some jobs of a subject. */
export interface JobList<Job extends JobTypes = AnyJob> {
  /** The newest first. */
  readonly jobs: readonly JobState<Job>[];
  /** The `before` of the following page; `null` if there is none. Opaque. */
  readonly next: string | null;
}

const { names, invalid } = checksFor("list", 'list({ subject: "user:42" })');

/**
 * Reads one page of a subject's jobs. A job that is removed meanwhile is left out, so a page may have fewer jobs than
 * `limit` although others follow.
 *
 * @throws ProgressError `invalid-option`, `store-unavailable`
 */
export async function listJobs<Job extends JobTypes>(
  jobs: Jobs,
  options: ListOptions,
): Promise<JobList<Job>> {
  const { subject, limit, before } = checkedOptions(options);
  const page = await jobs.page(subject, { limit, before });
  const states = await Promise.all(page.jobs.map((jobId) => readKept<Job>(jobs, jobId)));
  return { jobs: states.flatMap((state) => state ?? []), next: page.next ?? null };
}

function checkedOptions(options: ListOptions): ListOptions & { readonly limit: number } {
  names(options, ["subject", "limit", "before"]);
  const { subject, limit = DEFAULT_LISTED_JOBS, before } = options;
  if (typeof subject !== "string" || !SUBJECT.test(subject))
    throw invalid("subject", subject, SUBJECT_RULE);
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LISTED_JOBS)
    throw invalid("limit", limit, `a whole number from 1 to ${MAX_LISTED_JOBS}`);
  if (before !== undefined && typeof before !== "string")
    throw invalid("before", before, "the next of an earlier page");
  return { subject, limit, before };
}

async function readKept<Job extends JobTypes>(
  jobs: Jobs,
  jobId: string,
): Promise<JobState<Job> | undefined> {
  try {
    const { cursor: _, ...state } = await jobs.read<Job>(jobId);
    return state as JobState<Job>;
  } catch (error) {
    if (isProgressError(error, "job-not-found") || isProgressError(error, "job-expired"))
      return undefined;
    throw error;
  }
}
