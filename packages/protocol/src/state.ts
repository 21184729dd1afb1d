/** `queued`, `running`, then exactly one terminal status. */
export type JobStatus = "queued" | "running" | TerminalStatus;

/** The final statuses (P6). `lost`: the worker died. `timed-out`: the deadline passed. */
export type TerminalStatus = "completed" | "failed" | "cancelled" | "lost" | "timed-out";

/** The status of a step that has begun. A step that has not begun has no state. */
export type StepStatus = "running" | "completed" | "failed" | "skipped";

/** One step of a plan. */
export interface PlanStep<StepId extends string = string> {
  /** `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`, unique in the plan. */
  readonly id: StepId;
  /** For people. */
  readonly title: string;
  /** A positive number: this step's share of the job. Its usual duration, in any unit, works best. */
  readonly weight: number;
  /**
   * How long the step usually takes, from 1 millisecond: learned from earlier jobs of this kind, and absent without
   * them. Time that several steps share is divided among them (P71).
   */
  readonly expectedMs?: number;
  /**
   * By which factor that time usually varies, from 1: most earlier ones were between `expectedMs / spread` and
   * `expectedMs × spread`. Present with `expectedMs`.
   */
  readonly spread?: number;
}

/** The state of a step that has begun. */
export interface StepState {
  readonly status: StepStatus;
  /** 0..100, or `null` while it is unknown. */
  readonly percent: number | null;
  /** Units finished, such as frames. */
  readonly done?: number;
  /** Units in total. */
  readonly total?: number;
  /** The unit that is counted: `"frames"`, `"bytes"`. */
  readonly unit?: string;
  /** For people. */
  readonly message?: string;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number;
  /** Milliseconds since the epoch. With `startedAt` it gives the step's actual duration. */
  readonly finishedAt?: number;
}

/** The reason why a job did not complete. Safe to show: it holds neither a stack nor a foreign message. */
export interface JobError {
  readonly code: string;
  readonly message: string;
  /** The step that failed. */
  readonly step?: string;
}

/** The types of one kind of job, as `defineJob` infers them: see {@link JobOf}. */
export interface JobTypes {
  readonly step: string;
  readonly metadata: object;
  readonly result: unknown;
  /** The body that the app's route takes to create such a job. @defaultValue any object */
  readonly input?: object;
}

/** The types of a job without a definition, and of every job: its data are of unknown types. */
export type AnyJob = JobTypes;

/** The metadata of a job as readers get it: each key may be missing. */
export type MetadataOf<Job extends JobTypes> = [keyof Job["metadata"]] extends [never]
  ? { readonly [key: string]: unknown }
  : Partial<Job["metadata"]>;

/** The members of a {@link JobState} that have the same type whatever the status is. */
export interface JobFacts<Job extends JobTypes = AnyJob> {
  readonly id: string;
  readonly kind: string;
  /** From 1. A retry is the next attempt, and only a new attempt may lower the percent. */
  readonly attempt: number;
  /** The id of the step that began last. */
  readonly step: Job["step"] | null;
  /** For people. */
  readonly message: string | null;
  /** 0..100, or `null` while it is unknown. 100 only when `completed`. */
  readonly percent: number | null;
  /**
   * Estimated milliseconds until the end, above 0. `null` while there is too little evidence, if it has passed, or if
   * the run has left the usual spread.
   */
  readonly etaMs: number | null;
  readonly plan: readonly PlanStep<Job["step"]>[];
  /** By step id. A step that has not begun is absent. */
  readonly steps: { readonly [Id in Job["step"]]?: StepState };
  readonly metadata: MetadataOf<Job>;
  readonly cancelRequested: boolean;
  readonly createdAt: number;
  /** When this attempt began to run. A job that waits for its next attempt keeps the time of the last one. */
  readonly startedAt: number | null;
  readonly updatedAt: number;
  /** The worker has not reported for a whole lease. Unless it reports again, the job is soon `lost`. */
  readonly stale: boolean;
}

/** A job that has not ended. */
export interface ActiveJob<
  Job extends JobTypes = AnyJob,
  Status extends "queued" | "running" = "queued" | "running",
> extends JobFacts<Job> {
  readonly status: Status;
  readonly result: null;
  readonly error: null;
  readonly finishedAt: null;
}

/** A job with a result. */
export interface CompletedJob<Job extends JobTypes = AnyJob> extends JobFacts<Job> {
  readonly status: "completed";
  readonly result: Job["result"];
  readonly error: null;
  readonly finishedAt: number;
}

/** A job that ended without a result, for the reason in `error`. */
export interface FailedJob<
  Job extends JobTypes = AnyJob,
  Status extends "failed" | "lost" | "timed-out" = "failed" | "lost" | "timed-out",
> extends JobFacts<Job> {
  readonly status: Status;
  readonly result: null;
  readonly error: JobError;
  readonly finishedAt: number;
}

/** A job that was cancelled. */
export interface CancelledJob<Job extends JobTypes = AnyJob> extends JobFacts<Job> {
  readonly status: "cancelled";
  readonly result: null;
  readonly error: JobError | null;
  readonly finishedAt: number;
}

/**
 * The whole state of a job. Its `status` tells the types of `result`, `error` and `finishedAt`. Times are integer
 * milliseconds since the epoch, or `null`.
 *
 * @example
 * ```ts
 * if (job.status === "completed") show(job.result);
 * else if (job.status === "failed") show(job.error.message);
 * ```
 * @see docs/PROTOCOL.md, P4–P14 and P70–P74
 */
export type JobState<Job extends JobTypes = AnyJob> =
  // One member per status: TypeScript excludes no member whose status may have another value as well.
  | ActiveJob<Job, "queued">
  | ActiveJob<Job, "running">
  | CompletedJob<Job>
  | FailedJob<Job, "failed">
  | FailedJob<Job, "lost">
  | FailedJob<Job, "timed-out">
  | CancelledJob<Job>;

const TERMINAL: ReadonlySet<unknown> = new Set<TerminalStatus>([
  "completed",
  "failed",
  "cancelled",
  "lost",
  "timed-out",
]);

/** Whether a status is final. */
export function isTerminal(status: unknown): status is TerminalStatus {
  return TERMINAL.has(status);
}
