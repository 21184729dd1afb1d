import {
  type Change,
  type Fields,
  isTerminal,
  type Json,
  type ProgressError,
} from "@emlinh/progress-protocol";
import { attemptSuperseded, jobFinished } from "./errors.js";

/*
 * The rules of lease, expiry and end. The memory and SQLite stores call these functions. The Lua scripts of the Redis
 * store and the SQL functions of the PostgreSQL store repeat them, and name the function that each part mirrors.
 * Change the rule here first.
 */

/** The change that a sweep makes to a job. */
export type Transition = "stale" | "lost" | "timed-out" | "expired";

/**
 * The times of a job that determine its next {@link Transition}: milliseconds since the epoch, by the store's clock.
 */
export interface JobTimes {
  /** Whether the job is marked `stale`. */
  readonly stale: boolean;
  /** Until when the worker's lease is valid; `undefined` while no worker holds one. */
  readonly leaseUntil: number | undefined;
  /** The length of that lease. The job ends as `lost` a whole lease after it ran out. */
  readonly leaseMs: number;
  readonly deadlineAt: number | undefined;
  /** The last write, including one that only renews the lease. */
  readonly writtenAt: number;
  readonly endedAt: number | undefined;
}

/** How long jobs are kept. */
export interface JobTtls {
  /** Milliseconds after the end. */
  readonly ttlMs: number;
  /** Milliseconds after the last write of a job that has not ended and that no worker holds a lease on. */
  readonly idleTtlMs: number;
}

/** The times of a job that is created now. */
export function timesAtCreation(now: number, deadlineMs: number | undefined): JobTimes {
  return {
    stale: false,
    leaseUntil: undefined,
    leaseMs: 0,
    deadlineAt: deadlineMs === undefined ? undefined : now + deadlineMs,
    writtenAt: now,
    endedAt: undefined,
  };
}

/** The times that a write with `leaseMs` sets: it renews the lease, or gives it up if `leaseMs` is 0. */
export function leaseOf(
  leaseMs: number | undefined,
  now: number,
): Partial<Pick<JobTimes, "leaseMs" | "leaseUntil">> {
  if (leaseMs === undefined) return {};
  return { leaseMs, leaseUntil: leaseMs > 0 ? now + leaseMs : undefined };
}

/** When the next transition is due, or `Infinity` if none ever is. */
export function dueAt(times: JobTimes, ttls: JobTtls): number {
  return Math.min(...dueTransitions(times, ttls).map(({ at }) => at));
}

/**
 * The transition of a job at `now`, or `undefined` for none. A sweep makes at most one per job. A job whose lease ran
 * out two leases ago ends at once, without being `stale` first.
 */
export function transitionOf(times: JobTimes, ttls: JobTtls, now: number): Transition | undefined {
  return dueTransitions(times, ttls).find(({ at }) => at <= now)?.transition;
}

/** In order of precedence: an end comes before a mark. */
function dueTransitions(
  times: JobTimes,
  { ttlMs, idleTtlMs }: JobTtls,
): readonly { readonly transition: Transition; readonly at: number }[] {
  const { stale, leaseUntil, leaseMs, deadlineAt, writtenAt, endedAt } = times;
  if (endedAt !== undefined) return [{ transition: "expired", at: endedAt + ttlMs }];
  return [
    { transition: "timed-out", at: deadlineAt ?? Number.POSITIVE_INFINITY },
    // A leased job never expires, however long its worker is silent: first it is lost, and its TTL counts from then.
    leaseUntil === undefined
      ? { transition: "expired", at: writtenAt + idleTtlMs }
      : { transition: "lost", at: leaseUntil + leaseMs },
    {
      transition: "stale",
      at: leaseUntil === undefined || stale ? Number.POSITIVE_INFINITY : leaseUntil,
    },
  ];
}

/** The fields that a sweep sets. The store adds `updatedAt`, and closes the steps that were left running. */
export function fieldsOfTransition(
  transition: Exclude<Transition, "expired">,
  now: number,
): Fields {
  switch (transition) {
    case "stale":
      return { stale: true };
    case "lost":
      return endedAs(transition, now, "job-lost", "The worker stopped reporting.");
    case "timed-out":
      return endedAs(
        transition,
        now,
        "job-timed-out",
        "The job did not finish before its deadline.",
      );
  }
}

function endedAs(
  status: "lost" | "timed-out",
  finishedAt: number,
  code: string,
  message: string,
): Fields {
  return { status, finishedAt, stale: false, error: { code, message } };
}

/**
 * The steps that an end leaves `running`, closed: as `completed` if the job is completed, else as `failed` (P47). Every
 * write that ends a job sets these fields too, so that no reader sees a step run in a job that has ended.
 *
 * @param fields - The job's fields with the end merged in.
 */
export function closedSteps(fields: Fields, finishedAt: number): Fields {
  if (!isTerminal(fields.status)) return {};
  const status = fields.status === "completed" ? "completed" : "failed";
  const closed: Record<string, Json> = {};
  for (const [field, step] of Object.entries(fields))
    if (isRunningStep(field, step)) closed[field] = { ...step, status, finishedAt };
  return closed;
}

function isRunningStep(field: string, step: Json): step is { readonly [name: string]: Json } {
  return (
    field.startsWith("steps.") &&
    typeof step === "object" &&
    step !== null &&
    "status" in step &&
    step.status === "running"
  );
}

/** The state of a job that determines whether a write is accepted. */
export interface WriteState {
  readonly id: string;
  /** The terminal status, once there is one. */
  readonly ended: string | undefined;
  readonly attempt: number;
}

/**
 * Refuses a write after the end, or from an attempt that is not the job's any more. Of two workers that begin the same
 * attempt at once, the second is refused.
 *
 * @throws ProgressError `job-finished`, `attempt-superseded`
 */
export function checkWrite(
  job: WriteState,
  { set, attempt }: Pick<Change, "set" | "attempt">,
): void {
  const refusal = refusalOf(
    job,
    set.attempt === undefined ? undefined : Number(set.attempt),
    attempt,
  );
  if (refusal !== undefined) throw refusal;
}

function refusalOf(
  { id, ended, attempt: current }: WriteState,
  begins: number | undefined,
  attempt: number | undefined,
): ProgressError | undefined {
  if (ended !== undefined) return jobFinished(id, ended);
  if (begins !== undefined)
    return begins <= current ? attemptSuperseded(id, begins, current) : undefined;
  return attempt !== undefined && attempt < current
    ? attemptSuperseded(id, attempt, current)
    : undefined;
}

/** Counts what a sweep did, by transition. */
export interface SweepCounts {
  add(transition: Transition | undefined): void;
  /** Jobs that were changed so far. */
  total(): number;
  report(more: boolean): SweepReport;
}

/** The result of one sweep, in numbers of jobs. */
export interface SweepReport {
  /** Marked `stale`: their lease ran out. */
  readonly stale: number;
  /** Ended as `lost`: their lease ran out a whole lease ago, whether or not they were marked `stale` before. */
  readonly lost: number;
  /** Ended as `timed-out`. */
  readonly timedOut: number;
  /** Removed: ended `ttlMs` ago; or not ended, without a lease, and not written to for `idleTtlMs`. */
  readonly expired: number;
  /** Whether `limit` was reached and more jobs may be due. */
  readonly more: boolean;
}

/** Starts the counts of one sweep at 0. */
export function sweepCounts(): SweepCounts {
  const counts: Record<Transition, number> = { stale: 0, lost: 0, "timed-out": 0, expired: 0 };
  return {
    add(transition) {
      if (transition !== undefined) counts[transition] += 1;
    },
    total: () => counts.stale + counts.lost + counts["timed-out"] + counts.expired,
    report(more) {
      const { stale, lost, expired } = counts;
      return { stale, lost, timedOut: counts["timed-out"], expired, more };
    },
  };
}
