import type { AnyJob, JobState, JobTypes, LogLevel, PlainJson } from "@emlinh/progress-protocol";
import type { EndOptions, EndStatus } from "../end-fields.js";
import type { JobUpdate } from "../job-update.js";
import type { StepReporter } from "./steps.js";

/** Options of `requeue`. */
export interface RequeueOptions {
  /** For people, such as the reason and the time of the next attempt; cut at 4096 characters. */
  readonly message?: string | undefined;
}

/** Options of `log`. */
export interface LogOptions<Data = unknown> {
  /** @defaultValue `"info"` */
  readonly level?: LogLevel | undefined;
  /** Plain JSON, for programs. */
  readonly data?: (Data & PlainJson<Data>) | undefined;
}

/**
 * `await using` closes a reporter, as `close()` does. The type is conditional because only programs that compile for
 * the symbol know it, and the others must compile too.
 */
type Disposing = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { readonly [Name in Key]: () => Promise<void> }
  : object;

/**
 * A worker's access to its job: it reports, renews the lease, and ends the job.
 *
 * Reporting never fails or delays the work: `update` and `log` neither throw nor wait, and while the store is
 * unavailable their changes are merged and kept. Only the methods that end the job wait.
 */
export interface Reporter<Job extends JobTypes = AnyJob> extends Disposing {
  readonly id: string;
  /**
   * Aborts when the work must stop. Its reason is a ProgressError: `job-cancelled` after a cancel, `hold-lost` or
   * `attempt-superseded` if another worker has taken the job over or begun a later attempt, `job-lost`, `job-timed-out`
   * or `job-finished` if the job was ended elsewhere, `job-expired` if it was removed, `closed` after `close()` or
   * `requeue()`.
   */
  readonly signal: AbortSignal;
  /** The job as this worker knows it: as it was opened, with the reports since. */
  readonly state: JobState<Job>;
  /**
   * Sends an update, together with others, at most every `reportIntervalMs`. A value that can't be stored is left out
   * and reported to `onError`, once per kind; the others are sent.
   */
  update<Metadata = object>(update: JobUpdate<Job, Metadata>): void;
  /**
   * Appends a line at once. The text is cut at 4096 characters. While the store is unavailable the newest lines are
   * kept, and readers see a gap in the numbers of the lines.
   */
  log<Data = unknown>(text: string, options?: LogOptions<Data>): void;
  /**
   * Runs one step. Its start and end are sent at once, with their times. If the work throws, the step is `failed` and
   * the error is thrown again; after a cancel the step is closed by the job's end. Two runs of one step at the same
   * time share it.
   *
   * @throws ProgressError `invalid-option` if `work` is no function.
   */
  step<Result>(
    id: Job["step"],
    work: (step: StepReporter<Job["step"]>) => Result | Promise<Result>,
  ): Promise<Result>;
  /** Begins a step. Its reporter has the methods that end it. */
  beginStep(id: Job["step"]): StepReporter<Job["step"]>;
  /** Marks a step as skipped, because there is nothing to do. It counts as done. */
  skip(id: Job["step"]): void;
  /**
   * Ends the job as `completed`. Resolves when that is stored.
   *
   * @throws ProgressError `invalid-change` if the result does not match the definition or can't be written as JSON:
   * then the job is still open. `job-finished`, `attempt-superseded`, `hold-lost`, `store-unavailable` if the end could
   * not be delivered.
   */
  complete(result: Job["result"]): Promise<JobState<Job>>;
  /**
   * Ends the job as `failed`. The message of a plain `{ code, message }` or a {@link JobFailure} is shown to readers;
   * any other error goes to `onError` only.
   */
  fail(error: unknown): Promise<JobState<Job>>;
  /** Ends the job as `cancelled`. */
  cancelled(message?: string): Promise<JobState<Job>>;
  /** Ends the job otherwise than `completed`, for a worker that knows the right status. */
  end(status: EndStatus, options?: EndOptions): Promise<JobState<Job>>;
  /**
   * Gives this attempt up and the job back to the queue: it is `queued`, its running steps are `failed`, and the lease
   * is given up. The next worker opens it with `attempt: "next"`. A job that was asked to be cancelled ends as
   * `cancelled` instead. The reporter is closed afterwards.
   *
   * @throws ProgressError as `complete` does.
   */
  requeue(options?: RequeueOptions): Promise<void>;
  /** Resolves when all reports are stored. @throws ProgressError the reason why they never will be. */
  flush(): Promise<void>;
  /** Gives up the lease without ending the job, so that another worker may go on. Does nothing after the end. */
  close(): Promise<void>;
}
