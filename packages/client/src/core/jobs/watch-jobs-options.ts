import {
  type AnyJob,
  DEFAULT_LISTED_JOBS,
  type JobState,
  type JobTypes,
  MAX_LISTED_JOBS,
  SUBJECT,
} from "@emlinh/progress-protocol";
import { invalidOption } from "../../transports/invalid-option.js";
import type { FeedSharing, OpenFeed } from "../feed/feed.js";
import { feedOpener } from "../feed/open-feed.js";
import { type ResolvedWatchOptions, resolveWatchOptions, type WatchOptions } from "../options.js";

/** The options of {@link watchJobs}. */
export interface WatchJobsOptions<Job extends JobTypes = AnyJob>
  extends Omit<WatchOptions<Job>, "initial"> {
  /** Whose jobs to watch, such as `user:42`: one of the `subjects` of the server's `create`. */
  subject: string;
  /** The jobs that the list has at first, and that `loadMore()` adds: 1 to 100. @defaultValue `50` */
  limit?: number | undefined;
  /** The jobs to show until the list arrives, such as the return value of `progress.list` in a render on the server. */
  initial?: InitialJobs<Job> | undefined;
  /** Shares the connection with the other tabs of the browser. @defaultValue each page has its own connection */
  tabs?: FeedSharing | undefined;
}

/** The jobs that a server has rendered. */
export interface InitialJobs<Job extends JobTypes = AnyJob> {
  /** The newest job first. */
  readonly jobs: readonly JobState<Job>[];
  /** The position after them; `null` if there are no older jobs. @defaultValue `null` */
  readonly next?: string | null | undefined;
}

/** Every option, filled in and checked. */
export interface ResolvedWatchJobsOptions<Job extends JobTypes> {
  readonly watchOptions: ResolvedWatchOptions;
  readonly subject: string;
  readonly limit: number;
  readonly initial: InitialJobs<Job> | undefined;
  readonly openFeed: OpenFeed;
}

/** @throws {@link ProgressError} `invalid-option`, naming the option and its value. */
export function resolveWatchJobsOptions<Job extends JobTypes>(
  options: WatchJobsOptions<Job>,
): ResolvedWatchJobsOptions<Job> {
  const { initial, ...others } = options ?? {};
  const watchOptions = resolveWatchOptions(options && others, ["subject", "limit", "tabs"]);
  const { subject, limit = DEFAULT_LISTED_JOBS, tabs } = others;
  if (typeof subject !== "string" || !SUBJECT.test(subject))
    throw invalidOption("subject", subject, `a string that matches ${SUBJECT.source}`);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED_JOBS)
    throw invalidOption("limit", limit, `a whole number from 1 to ${MAX_LISTED_JOBS}`);
  // The list may be the parsed text of a page.
  const isList = Array.isArray(initial?.jobs) && initial.jobs.every((job) => job?.id);
  if (initial !== undefined && !isList)
    throw invalidOption("initial", initial, "an object with jobs, as progress.list returns it");
  return { watchOptions, subject, limit, initial, openFeed: feedOpener(tabs) };
}
