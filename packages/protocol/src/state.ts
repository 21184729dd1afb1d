import type { Json, JsonObject } from "./json.js";

/** `queued`, `running`, then exactly one of the terminal ones. */
export type JobStatus = "queued" | "running" | TerminalStatus;

/** The statuses that are final (P6). `lost`: its worker died. `timed-out`: its deadline passed. */
export type TerminalStatus = "completed" | "failed" | "cancelled" | "lost" | "timed-out";

/** A step that hasn't begun has no state at all. */
export type StepStatus = "running" | "completed" | "failed" | "skipped";

/** One step of a plan. */
export interface PlanStep<StepId extends string = string> {
  /** `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`, unique in the plan. */
  readonly id: StepId;
  /** For people. */
  readonly title: string;
  /** A positive number: this step's share of the whole, best its usual duration in any unit. */
  readonly weight: number;
}

/** What is known of a step that has begun. */
export interface StepState {
  readonly status: StepStatus;
  /** 0..100, or `null` while it can't be known. */
  readonly percent: number | null;
  /** Units finished, such as frames. */
  readonly done?: number;
  /** Units in all. */
  readonly total?: number;
  /** What is counted: `"frames"`, `"bytes"`. */
  readonly unit?: string;
  /** For people. */
  readonly message?: string;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number;
  /** Milliseconds since the epoch; with `startedAt` it gives the step's actual duration. */
  readonly finishedAt?: number;
}

/** Why a job didn't complete. Safe to show: neither a stack nor a foreign message. */
export interface JobError {
  readonly code: string;
  readonly message: string;
  /** The step that failed. */
  readonly step?: string;
}

/** The types of one kind of job, as `defineJob` infers them. */
export interface JobTypes {
  readonly step: string;
  readonly metadata: object;
  readonly result: unknown;
}

/** The types of a job of which nothing is known. */
export interface AnyJob extends JobTypes {
  readonly metadata: JsonObject;
  readonly result: Json;
}

/**
 * The whole state of a job. Times are integer milliseconds since the epoch, or `null`.
 *
 * @see docs/PROTOCOL.md, P4–P14
 */
export interface JobState<Job extends JobTypes = AnyJob> {
  readonly id: string;
  readonly kind: string;
  readonly status: JobStatus;
  /** From 1. A retry is the next attempt, and only it may take the percent back. */
  readonly attempt: number;
  /** The step that began last. */
  readonly step: Job["step"] | null;
  /** For people. */
  readonly message: string | null;
  /** 0..100, or `null` when it can't be known. 100 only when `completed`. */
  readonly percent: number | null;
  /** Milliseconds until the end, or `null` while that would be guesswork. */
  readonly etaMs: number | null;
  readonly plan: readonly PlanStep<Job["step"]>[];
  /** By step id; a step that hasn't begun is absent. */
  readonly steps: { readonly [Id in Job["step"]]?: StepState };
  readonly metadata: Partial<Job["metadata"]>;
  /** `null` until `completed`. */
  readonly result: Job["result"] | null;
  readonly error: JobError | null;
  readonly cancelRequested: boolean;
  readonly createdAt: number;
  /** When this attempt began to run. */
  readonly startedAt: number | null;
  readonly updatedAt: number;
  readonly finishedAt: number | null;
  /** The worker has not been heard of for a whole lease; soon the job is `lost`, unless the worker comes back. */
  readonly stale: boolean;
}

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
