import {
  type Change,
  type ErrorCode,
  isTerminal,
  type JobDraft,
  type Json,
  type SweepReport,
} from "@emlinh/progress-server";
import { type History, history } from "@emlinh/progress-server/testing/history";

/** What the model takes a job for: every write that there was, and the times that decide what a sweep does. */
export interface ModelJob {
  readonly key: string | undefined;
  readonly epoch: string;
  readonly told: History;
  readonly createdAt: number;
  readonly deadlineAt: number | undefined;
  attempt: number;
  isStale: boolean;
  lease: { readonly until: number; readonly ms: number } | undefined;
  writtenAt: number;
  /** When the last version came. */
  updatedAt: number;
  endedAt: number | undefined;
}

interface ModelOptions {
  readonly maxLogLines: number;
  readonly ttlMs: number;
  readonly idleTtlMs: number;
}

/** A store as one would write it who need not keep anything short, fast or safe. */
export interface StoreModel {
  readonly jobs: ReadonlyMap<string, ModelJob>;
  jobWithKey(key: string | undefined): string | undefined;
  create(draft: JobDraft, epoch: string, now: number): void;
  /** The codes of which a write must be refused with one; `undefined` if it must be taken. */
  refusal(id: string, change: Change): readonly ErrorCode[] | undefined;
  write(id: string, change: Change, now: number): void;
  sweep(now: number): SweepReport;
  /** Whether a job of that id was removed, and is not there again. */
  isRemoved(id: string): boolean;
}

/** A model without jobs. */
export function createModel(options: ModelOptions): StoreModel {
  const jobs = new Map<string, ModelJob>();
  const removed = new Set<string>();

  function put(job: ModelJob, { set, log }: Pick<Change, "set" | "log">, now: number): void {
    job.writtenAt = now;
    if (Object.keys(set).length + log.length > 0) job.updatedAt = now;
    job.told.append({ set, log });
    if (set.stale !== undefined) job.isStale = set.stale === true;
    if (set.attempt !== undefined) job.attempt = Number(set.attempt);
    if (!isTerminal(set.status)) return;
    job.endedAt = now;
    job.lease = undefined;
  }

  return {
    jobs,
    isRemoved: (id) => removed.has(id),
    jobWithKey: (key) =>
      key === undefined ? undefined : [...jobs].find(([, job]) => job.key === key)?.[0],
    create({ id, key, deadlineMs }, epoch, now) {
      removed.delete(id);
      jobs.set(id, {
        key,
        epoch,
        told: history(options.maxLogLines),
        createdAt: now,
        deadlineAt: deadlineMs === undefined ? undefined : now + deadlineMs,
        attempt: 1,
        isStale: false,
        lease: undefined,
        writtenAt: now,
        updatedAt: now,
        endedAt: undefined,
      });
    },
    refusal(id, { set, attempt }) {
      const job = jobs.get(id);
      if (job === undefined)
        return removed.has(id) ? ["job-not-found", "job-expired"] : ["job-not-found"];
      if (job.endedAt !== undefined) return ["job-finished"];
      const isLate =
        set.attempt === undefined
          ? (attempt ?? job.attempt) < job.attempt
          : Number(set.attempt) <= job.attempt;
      return isLate ? ["attempt-superseded"] : undefined;
    },
    write(id, { set, log, leaseMs }, now) {
      const job = jobs.get(id);
      if (job === undefined) return;
      if (leaseMs !== undefined)
        job.lease = leaseMs > 0 ? { until: now + leaseMs, ms: leaseMs } : undefined;
      const isRevived = leaseMs !== undefined && job.isStale;
      put(job, { set: isRevived ? { ...set, stale: false } : set, log }, now);
    },
    sweep(now) {
      const counts = { stale: 0, lost: 0, timedOut: 0, expired: 0 };
      for (const [id, job] of jobs) {
        const fate = fateIn(job, options, now);
        if (fate === undefined) continue;
        counts[fate] += 1;
        if (fate === "expired") {
          jobs.delete(id);
          removed.add(id);
        } else put(job, { set: readFields(fate, now), log: [] }, now);
      }
      return { ...counts, more: false };
    },
  };
}

type ModelFate = "stale" | "lost" | "timedOut" | "expired";

function fateIn(
  { endedAt, deadlineAt, lease, isStale, writtenAt }: ModelJob,
  { ttlMs, idleTtlMs }: ModelOptions,
  now: number,
): ModelFate | undefined {
  if (endedAt !== undefined) return now >= endedAt + ttlMs ? "expired" : undefined;
  if (deadlineAt !== undefined && now >= deadlineAt) return "timedOut";
  if (lease === undefined) return now >= writtenAt + idleTtlMs ? "expired" : undefined;
  if (now >= lease.until + lease.ms) return "lost";
  return now >= lease.until && !isStale ? "stale" : undefined;
}

function readFields(fate: Exclude<ModelFate, "expired">, now: number): Record<string, Json> {
  if (fate === "stale") return { stale: true };
  const [status, code, message] =
    fate === "lost"
      ? ["lost", "job-lost", "The worker stopped reporting."]
      : ["timed-out", "job-timed-out", "The job did not finish before its deadline."];
  return { status, finishedAt: now, stale: false, error: { code, message } };
}
