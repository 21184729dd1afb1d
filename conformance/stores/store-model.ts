import {
  type Change,
  type ErrorCode,
  isTerminal,
  type JobDraft,
  type Json,
  type SweepReport,
} from "@emlinh/progress-server";
import { type History, history } from "@emlinh/progress-server/testing/history";

/** A job in the model: all its writes, and the times that determine what a sweep does. */
export interface ModelJob {
  readonly key: string | undefined;
  readonly epoch: string;
  readonly history: History;
  readonly createdAt: number;
  readonly deadlineAt: number | undefined;
  attempt: number;
  isStale: boolean;
  lease: { readonly until: number; readonly ms: number } | undefined;
  writtenAt: number;
  /** The time of the last version. */
  updatedAt: number;
  endedAt: number | undefined;
}

interface ModelOptions {
  readonly maxLogLines: number;
  readonly ttlMs: number;
  readonly idleTtlMs: number;
}

/** A naive store, which need not be small, fast or safe. */
export interface StoreModel {
  readonly jobs: ReadonlyMap<string, ModelJob>;
  jobWithKey(key: string | undefined): string | undefined;
  create(draft: JobDraft, epoch: string, now: number): void;
  /** The codes of which a write must be refused with one; `undefined` if it must be accepted. */
  refusal(id: string, change: Change): readonly ErrorCode[] | undefined;
  write(id: string, change: Change, now: number): void;
  /** Returns whether there was such a job. */
  remove(id: string): boolean;
  sweep(now: number): SweepReport;
  /** Whether a job with this id was removed and not created again. */
  isRemoved(id: string): boolean;
}

/** Makes a model without jobs. */
export function createModel(options: ModelOptions): StoreModel {
  const jobs = new Map<string, ModelJob>();
  const removed = new Set<string>();

  function remove(id: string): boolean {
    const isKnown = jobs.delete(id);
    if (isKnown) removed.add(id);
    return isKnown;
  }

  return {
    jobs,
    isRemoved: (id) => removed.has(id),
    jobWithKey: (key) =>
      key === undefined ? undefined : [...jobs].find(([, job]) => job.key === key)?.[0],
    create(draft, epoch, now) {
      removed.delete(draft.id);
      jobs.set(draft.id, newJob(draft, { epoch, now, maxLogLines: options.maxLogLines }));
    },
    refusal(id, change) {
      const job = jobs.get(id);
      if (job !== undefined) return refusalOf(job, change);
      return removed.has(id) ? ["job-not-found", "job-expired"] : ["job-not-found"];
    },
    write(id, { set, log, leaseMs }, now) {
      const job = jobs.get(id);
      if (job === undefined) return;
      if (leaseMs !== undefined)
        job.lease = leaseMs > 0 ? { until: now + leaseMs, ms: leaseMs } : undefined;
      const clearsStale = leaseMs !== undefined && job.isStale;
      put(job, { set: clearsStale ? { ...set, stale: false } : set, log }, now);
    },
    remove,
    sweep(now) {
      const counts = { stale: 0, lost: 0, timedOut: 0, expired: 0 };
      for (const [id, job] of jobs) {
        const transition = transitionOf(job, options, now);
        if (transition === undefined) continue;
        counts[transition] += 1;
        if (transition === "expired") remove(id);
        else put(job, { set: fieldsOf(transition, now), log: [] }, now);
      }
      return { ...counts, more: false };
    },
  };
}

function newJob(
  { key, deadlineMs }: JobDraft,
  { epoch, now, maxLogLines }: { epoch: string; now: number; maxLogLines: number },
): ModelJob {
  return {
    key,
    epoch,
    history: history(maxLogLines),
    createdAt: now,
    deadlineAt: deadlineMs === undefined ? undefined : now + deadlineMs,
    attempt: 1,
    isStale: false,
    lease: undefined,
    writtenAt: now,
    updatedAt: now,
    endedAt: undefined,
  };
}

/** Writes an accepted change. The history closes the steps that an end leaves running. */
function put(job: ModelJob, { set, log }: Pick<Change, "set" | "log">, now: number): void {
  job.writtenAt = now;
  if (Object.keys(set).length + log.length > 0) job.updatedAt = now;
  job.history.append({ set, log });
  if (set.stale !== undefined) job.isStale = set.stale === true;
  if (set.attempt !== undefined) job.attempt = Number(set.attempt);
  if (!isTerminal(set.status)) return;
  job.endedAt = now;
  job.lease = undefined;
}

function refusalOf(job: ModelJob, { set, attempt }: Change): readonly ErrorCode[] | undefined {
  if (job.endedAt !== undefined) return ["job-finished"];
  const isLate =
    set.attempt === undefined
      ? (attempt ?? job.attempt) < job.attempt
      : Number(set.attempt) <= job.attempt;
  return isLate ? ["attempt-superseded"] : undefined;
}

type ModelTransition = "stale" | "lost" | "timedOut" | "expired";

function transitionOf(
  { endedAt, deadlineAt, lease, isStale, writtenAt }: ModelJob,
  { ttlMs, idleTtlMs }: ModelOptions,
  now: number,
): ModelTransition | undefined {
  if (endedAt !== undefined) return now >= endedAt + ttlMs ? "expired" : undefined;
  if (deadlineAt !== undefined && now >= deadlineAt) return "timedOut";
  if (lease === undefined) return now >= writtenAt + idleTtlMs ? "expired" : undefined;
  if (now >= lease.until + lease.ms) return "lost";
  return now >= lease.until && !isStale ? "stale" : undefined;
}

function fieldsOf(
  transition: Exclude<ModelTransition, "expired">,
  now: number,
): Record<string, Json> {
  if (transition === "stale") return { stale: true };
  const [status, code, message] =
    transition === "lost"
      ? ["lost", "job-lost", "The worker stopped reporting."]
      : ["timed-out", "job-timed-out", "The job did not finish before its deadline."];
  return { status, finishedAt: now, stale: false, error: { code, message } };
}
