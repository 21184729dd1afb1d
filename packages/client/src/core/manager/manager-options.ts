import type { AnyJob, JobTypes } from "@emlinh/progress-protocol";
import type { FeedSharing, OpenFeed } from "../feed/feed.js";
import { feedOpener } from "../feed/open-feed.js";
import { checkPositive } from "../option-checks.js";
import { type ResolvedWatchOptions, resolveWatchOptions, type WatchOptions } from "../options.js";
import type { CreateRoute } from "./job-creator.js";
import { type JobStorage, pageStorage } from "./stored-jobs.js";

/** The options of a {@link JobManager}. */
export interface JobManagerOptions<Job extends JobTypes = AnyJob> extends WatchOptions<Job> {
  /** Closes the manager when it aborts, as `close()` does. */
  signal?: AbortSignal | undefined;
  /**
   * The address of the app's own route that creates jobs. It answers with a status of 2xx and `{ "jobId" }`. Needed by
   * `create` only.
   */
  createUrl?: string | undefined;
  /**
   * The limit for one request to the app's route, in milliseconds; `Infinity` for none. After the limit `create`
   * rejects with `network`. The request is not sent again, because the route may still be at work.
   *
   * @defaultValue `300_000`
   */
  createTimeoutMs?: number | undefined;
  /**
   * Keeps the ids of the jobs across reloads; `false` keeps nothing. With `localStorage` all tabs of the origin share
   * the jobs.
   *
   * @defaultValue `sessionStorage`, where it exists
   */
  storage?: JobStorage | false | undefined;
  /** The key in the storage. @defaultValue `emlinh-progress:` and the `baseUrl` */
  storageKey?: string | undefined;
  /** Shares the connection with the other tabs of the browser. @defaultValue each page has its own connection */
  tabs?: FeedSharing | undefined;
}

/** Every option, filled in and checked. */
export interface ResolvedManagerOptions {
  /** The options of each watch. */
  readonly watchOptions: ResolvedWatchOptions;
  readonly signal: AbortSignal | undefined;
  readonly route: CreateRoute;
  readonly storage: JobStorage | false;
  readonly storageKey: string;
  readonly openFeed: OpenFeed;
}

/** The names of the options that a watch does not have. */
const MANAGER_OPTIONS = ["createUrl", "createTimeoutMs", "storage", "storageKey", "tabs"];

/** @throws {@link ProgressError} `invalid-option`, naming the option and its value. */
export function resolveManagerOptions<Job extends JobTypes>(
  options: JobManagerOptions<Job>,
): ResolvedManagerOptions {
  const { signal, ...watchOptions } = resolveWatchOptions(options, MANAGER_OPTIONS);
  const { createUrl, createTimeoutMs = 300_000, storage = pageStorage() } = options;
  const { storageKey = `emlinh-progress:${watchOptions.baseUrl}` } = options;
  checkPositive("createTimeoutMs", createTimeoutMs);
  const route = { createUrl, createTimeoutMs };
  return { watchOptions, openFeed: feedOpener(options.tabs), signal, route, storage, storageKey };
}
