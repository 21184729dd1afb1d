import {
  type Change,
  type Fields,
  type HoldOpening,
  type HoldWrite,
  isTerminal,
  type Json,
  parseCursor,
} from "@emlinh/progress-protocol";
import { attemptSuperseded, holdLost, jobFinished, jobHeld } from "./errors.js";

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
  /**
   * The length of that lease. The job ends as `lost` a whole lease after it was marked `stale`; the mark sets
   * `leaseUntil` to its time.
   */
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
export function leaseOf(leaseMs: number, now: number): Pick<JobTimes, "leaseMs" | "leaseUntil"> {
  return { leaseMs, leaseUntil: leaseMs > 0 ? now + leaseMs : undefined };
}

/** When the next transition is due, or `Infinity` if none ever is. */
export function dueAt(times: JobTimes, ttls: JobTtls): number {
  return Math.min(deadlineOf(times), restsUntil(times, ttls));
}

/**
 * The transition of a job at `now`, or `undefined` for none. A sweep makes at most one per job. No job is `lost` that
 * was not marked `stale` a whole lease before: however long a machine slept or a clock jumped, its worker gets that
 * time to report again.
 */
export function transitionOf(times: JobTimes, ttls: JobTtls, now: number): Transition | undefined {
  // An end comes before a mark.
  if (deadlineOf(times) <= now) return "timed-out";
  return restsUntil(times, ttls) <= now ? transitionAfterRest(times) : undefined;
}

function deadlineOf({ endedAt, deadlineAt }: JobTimes): number {
  return endedAt === undefined && deadlineAt !== undefined ? deadlineAt : Number.POSITIVE_INFINITY;
}

/** The transition of a job that is not written any more, its deadline aside. */
function transitionAfterRest({ endedAt, leaseUntil, stale }: JobTimes): Transition {
  // A leased job never expires, however long its worker is silent: first it is lost, and its TTL counts from then.
  if (endedAt !== undefined || leaseUntil === undefined) return "expired";
  return stale ? "lost" : "stale";
}

/** When that transition is due. */
function restsUntil(times: JobTimes, { ttlMs, idleTtlMs }: JobTtls): number {
  const { stale, leaseUntil, leaseMs, writtenAt, endedAt } = times;
  if (endedAt !== undefined) return endedAt + ttlMs;
  if (leaseUntil === undefined) return writtenAt + idleTtlMs;
  return stale ? leaseUntil + leaseMs : leaseUntil;
}

/** The times that a transition sets, besides `writtenAt`. */
export function timesOfTransition(
  transition: Exclude<Transition, "expired">,
  now: number,
): Partial<JobTimes> {
  return transition === "stale"
    ? { stale: true, leaseUntil: now }
    : { stale: false, leaseUntil: undefined, endedAt: now };
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

/** The hold of a job: the worker that may write to it, and how many of its writes the store has seen. */
export interface Hold {
  readonly token: string;
  /** The highest count that was accepted. */
  readonly count: number;
  /** The version of the write that began the hold. */
  readonly since: number;
}

/** The state of a job that determines whether a write is accepted. */
export interface WriteState {
  readonly id: string;
  readonly epoch: string;
  /** The terminal status, once there is one. */
  readonly ended: string | undefined;
  readonly attempt: number;
  /** `undefined` before the first worker opened the job. It outlives the lease and the end. */
  readonly hold: Hold | undefined;
  /** Whether a lease is valid now: one that ran out, or was given up, protects a hold no longer. */
  readonly isLeased: boolean;
}

/**
 * Determines whether a write is accepted. The rules, in this order:
 *
 * 1. A write of the current hold whose count was seen before is `"repeated"`: the store changes nothing.
 * 2. After the end, every other write is refused.
 * 3. A write that begins an attempt must begin a later one.
 * 4. A write that opens the job is refused if another hold began after the job was read. It is also refused while a
 *    lease is valid, unless it begins an attempt or takes the job over explicitly.
 * 5. Any other write with a hold must come from the current one.
 * 6. A write without a hold must not set progress while a lease is valid: only the worker knows it (P13).
 *
 * @throws ProgressError `job-finished`, `attempt-superseded`, `job-held`, `hold-lost`
 */
export function checkWrite(
  job: WriteState,
  { set, hold }: Pick<Change, "set" | "hold">,
): "accepted" | "repeated" {
  const { id, hold: current } = job;
  if (hold !== undefined && hold.token === current?.token && hold.count <= current.count)
    return "repeated";
  if (job.ended !== undefined) throw jobFinished(id, job.ended);
  if (set.attempt !== undefined && Number(set.attempt) <= job.attempt)
    throw attemptSuperseded(id, Number(set.attempt), job.attempt);
  if (hold === undefined) {
    if (job.isLeased && setsProgress(set)) throw jobHeld(id);
  } else if (hold.opens === undefined) {
    if (hold.token !== current?.token) throw holdLost(id);
  } else if (!mayOpen(job, set, hold.opens)) throw jobHeld(id);
  return "accepted";
}

function mayOpen(
  { epoch, hold, isLeased }: WriteState,
  set: Fields,
  { seen, takeOver }: HoldOpening,
): boolean {
  const read = parseCursor(seen);
  // An opening that arrives late must not take another job with the same id, nor end a hold that its sender never saw.
  if (read === undefined || read.epoch !== epoch) return false;
  if (hold === undefined) return true;
  return hold.since <= read.version && (!isLeased || takeOver || set.attempt !== undefined);
}

/** Whether a change sets the percent or a step, which only the worker that holds the job may do. */
export function setsProgress(set: Fields): boolean {
  return Object.keys(set).some((field) => field === "percent" || field.startsWith("steps."));
}

/** The hold that is kept after an accepted write. @param version - The version after the write. */
export function holdAfter(
  current: Hold | undefined,
  hold: HoldWrite | undefined,
  version: number,
): Hold | undefined {
  if (hold === undefined) return current;
  const { token, count, opens } = hold;
  return { token, count, since: opens === undefined ? (current?.since ?? version) : version };
}

/** Counts what a sweep did, by transition. */
export interface SweepCounts {
  /** Call it once the transition is stored. */
  add(transition: Transition | undefined, jobId: string): void;
  /** Jobs that were changed so far. */
  total(): number;
  report(more: boolean): SweepReport;
}

/** The result of one sweep, in numbers of jobs. */
export interface SweepReport {
  /** Marked `stale`: their lease ran out. */
  readonly stale: number;
  /** Ended as `lost`: they were marked `stale` a whole lease ago. */
  readonly lost: number;
  /** Ended as `timed-out`. */
  readonly timedOut: number;
  /** Removed: ended `ttlMs` ago; or not ended, without a lease, and not written to for `idleTtlMs`. */
  readonly expired: number;
  /** Whether `limit` was reached and more jobs may be due. */
  readonly more: boolean;
}

/** A job that a sweep has ended. */
export interface SweptEnd {
  readonly jobId: string;
  readonly status: "lost" | "timed-out";
}

/** Called with each job that a sweep has ended. */
export type OnSweptEnd = (end: SweptEnd) => void;

/** Starts the counts of one sweep at 0. */
export function sweepCounts(onEnd: OnSweptEnd | undefined): SweepCounts {
  const counts: Record<Transition, number> = { stale: 0, lost: 0, "timed-out": 0, expired: 0 };
  return {
    add(transition, jobId) {
      if (transition === undefined) return;
      counts[transition] += 1;
      if (transition === "lost" || transition === "timed-out")
        onEnd?.({ jobId, status: transition });
    },
    total: () => counts.stale + counts.lost + counts["timed-out"] + counts.expired,
    report(more) {
      const { stale, lost, expired } = counts;
      return { stale, lost, timedOut: counts["timed-out"], expired, more };
    },
  };
}
