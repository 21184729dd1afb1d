import type {
  AnyJob,
  JobError,
  JobState,
  JobTypes,
  Json,
  LogLevel,
  TerminalStatus,
} from "@emlinh/progress-protocol";
import type { StepReporter } from "./steps.js";

/** What is told of a job as a whole. What is left out stays as it was. */
export interface JobUpdate<Job extends JobTypes = AnyJob> {
  /** 0..100, for a job without a plan. It never falls within an attempt (P13). */
  readonly percent?: number | undefined;
  /** For people; cut at 4096 characters. `null` for none. */
  readonly message?: string | null | undefined;
  /** Replaces the keys that it names; `null` takes a key away. */
  readonly metadata?:
    | { readonly [Key in keyof Job["metadata"]]?: Job["metadata"][Key] | null }
    | undefined;
}

/** How a line is logged. */
export interface LogOptions {
  /** @defaultValue `"info"` */
  readonly level?: LogLevel | undefined;
  /** Any JSON, for programs. */
  readonly data?: Json | undefined;
}

/** What a job may be ended with by a supervisor. */
export interface EndOptions {
  readonly message?: string | undefined;
  readonly error?: JobError | undefined;
}

/**
 * `await using` gives a reporter up, as `close()` does. Written so because the symbol is known only to programs that compile for it, and the
 * others must compile too.
 */
type Disposing = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { readonly [Name in Key]: () => Promise<void> }
  : object;

/**
 * A worker's hold on a job: it reports, renews the lease, and ends the job.
 *
 * Reporting never fails or slows the work: `update` and `log` neither throw nor wait, and while the store is away what they say is merged and
 * kept. Only the end is waited for.
 */
export interface Reporter<Job extends JobTypes = AnyJob> extends Disposing {
  readonly id: string;
  /**
   * Aborts when the work shall stop. Its reason is a ProgressError: `job-cancelled` if that was asked for, `attempt-superseded` if a later attempt has
   * begun, `job-lost`, `job-timed-out` or `job-finished` if the job was ended elsewhere, `job-expired` if it was removed, `closed`.
   */
  readonly signal: AbortSignal;
  /** The job as this worker sees it: what it opened, and what it reported since. */
  readonly state: JobState<Job>;
  /** Goes out together with others, at most each `reportIntervalMs`. Values that can't be reported are told to `onError`. */
  update(update: JobUpdate<Job>): void;
  /** Appends a line, at once. The text is cut at 4096 characters. */
  log(text: string, options?: LogOptions): void;
  /**
   * Runs one step: its start and end go out at once, with their times. A throw marks the step as failed and is passed on; after a cancel the step is left
   * as it is.
   */
  step<Result>(
    id: Job["step"],
    work: (step: StepReporter) => Result | Promise<Result>,
  ): Promise<Result>;
  /** Begins a step that is ended by hand. */
  beginStep(id: Job["step"]): StepReporter;
  /** Says that there was nothing to do in a step; it counts as done. */
  skip(id: Job["step"]): void;
  /**
   * Ends the job as `completed`. Resolves when that is stored.
   *
   * @throws ProgressError `invalid-change` if the result isn't what the definition asks for, or no JSON: the job is still open then. `job-finished`,
   * `attempt-superseded`, `store-unavailable` if the end could not be delivered.
   */
  complete(result: Job["result"]): Promise<JobState<Job>>;
  /**
   * Ends the job as `failed`. A `{ code, message }`, a {@link JobFailure} or a ProgressError is shown in its own words; of anything else only
   * `onError` is told.
   */
  fail(error: unknown): Promise<JobState<Job>>;
  /** Ends the job as `cancelled`. */
  cancelled(message?: string): Promise<JobState<Job>>;
  /** Ends the job as anything but `completed`: for a supervisor that knows what became of the worker. */
  end(status: Exclude<TerminalStatus, "completed">, options?: EndOptions): Promise<JobState<Job>>;
  /** Resolves when all that was reported is stored. @throws ProgressError why it never will be. */
  flush(): Promise<void>;
  /** Gives up the lease without an end, for another worker to go on; does nothing after the end. */
  close(): Promise<void>;
}
