import {
  type Change,
  type ErrorCode,
  type Fields,
  isTerminal,
  type JobDraft,
  type Json,
  parseCursor,
  printCursor,
  type SweepReport,
} from "@emlinh/progress-server";
import { type History, history } from "@emlinh/progress-server/testing/history";

/** A job in the model: all its writes, and the times that determine what a sweep does. */
export interface ModelJob {
  readonly key: string | undefined;
  readonly subjects: readonly string[];
  readonly epoch: string;
  readonly history: History;
  readonly createdAt: number;
  readonly deadlineAt: number | undefined;
  attempt: number;
  isStale: boolean;
  hold: ModelHold | undefined;
  lease: { readonly until: number; readonly ms: number } | undefined;
  writtenAt: number;
  /** The time of the last version. */
  updatedAt: number;
  endedAt: number | undefined;
}

/** The worker that may write to a job, and the versions at which a worker may have read it to take it over. */
interface ModelHold {
  readonly token: string;
  readonly count: number;
  readonly since: number;
}

interface ModelOptions {
  readonly maxLogLines: number;
  readonly ttlMs: number;
  readonly idleTtlMs: number;
}

/** A naive store, which need not be small, fast or safe. */
export interface StoreModel {
  readonly jobs: ReadonlyMap<string, ModelJob>;
  /** The jobs of a subject. */
  listed(subject: string): readonly (readonly [id: string, job: ModelJob])[];
  jobWithKey(key: string | undefined): string | undefined;
  create(draft: JobDraft, epoch: string, now: number): void;
  /** The codes of which a write must be refused with one; `undefined` if it must be accepted. */
  refusal(id: string, change: Change, now: number): readonly ErrorCode[] | undefined;
  /** Changes nothing for a write that was made before. */
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
    listed: (subject) => [...jobs].filter(([, { subjects }]) => subjects.includes(subject)),
    isRemoved: (id) => removed.has(id),
    jobWithKey: (key) =>
      key === undefined ? undefined : [...jobs].find(([, job]) => job.key === key)?.[0],
    create(draft, epoch, now) {
      removed.delete(draft.id);
      jobs.set(draft.id, newJob(draft, { epoch, now, maxLogLines: options.maxLogLines }));
    },
    refusal(id, change, now) {
      const job = jobs.get(id);
      if (job !== undefined)
        return isRepeated(job, change) ? undefined : refusalOf(job, change, now);
      return removed.has(id) ? ["job-not-found", "job-expired"] : ["job-not-found"];
    },
    write(id, change, now) {
      const job = jobs.get(id);
      if (job === undefined || isRepeated(job, change)) return;
      const { set, log, lostLines, leaseMs } = change;
      if (leaseMs !== undefined)
        job.lease = leaseMs > 0 ? { until: now + leaseMs, ms: leaseMs } : undefined;
      const clearsStale = leaseMs !== undefined && job.isStale;
      put(job, { set: clearsStale ? { ...set, stale: false } : set, log, lostLines }, now);
      job.hold = holdAfter(job, change);
    },
    remove,
    sweep(now) {
      const counts = { stale: 0, lost: 0, timedOut: 0, expired: 0 };
      for (const [id, job] of jobs) {
        const transition = transitionOf(job, options, now);
        if (transition === undefined) continue;
        counts[transition] += 1;
        if (transition === "expired") remove(id);
        else put(job, { set: fieldsOf(transition), log: [] }, now);
        if (transition === "stale") job.lease = { until: now, ms: job.lease?.ms ?? 0 };
      }
      return { ...counts, more: false };
    },
  };
}

function newJob(
  { key, subjects = [], deadlineMs }: JobDraft,
  { epoch, now, maxLogLines }: { epoch: string; now: number; maxLogLines: number },
): ModelJob {
  return {
    key,
    subjects,
    epoch,
    history: history(maxLogLines),
    createdAt: now,
    deadlineAt: deadlineMs === undefined ? undefined : now + deadlineMs,
    attempt: 1,
    isStale: false,
    hold: undefined,
    lease: undefined,
    writtenAt: now,
    updatedAt: now,
    endedAt: undefined,
  };
}

/** Writes an accepted change. The history closes the steps that an end leaves running. */
function put(job: ModelJob, change: Pick<Change, "set" | "log" | "lostLines">, now: number): void {
  const { set, log } = change;
  job.writtenAt = now;
  if (Object.keys(set).length + log.length > 0) job.updatedAt = now;
  job.history.append(change);
  if (set.stale !== undefined) job.isStale = set.stale === true;
  if (set.attempt !== undefined) job.attempt = Number(set.attempt);
  if (!isTerminal(set.status)) return;
  job.endedAt = now;
  job.lease = undefined;
}

function isRepeated(job: ModelJob, { hold }: Change): boolean {
  return hold !== undefined && hold.token === job.hold?.token && hold.count <= job.hold.count;
}

function holdAfter({ hold, history }: ModelJob, { hold: own }: Change): ModelHold | undefined {
  if (own === undefined) return hold;
  const since = own.opens === undefined ? (hold?.since ?? 0) : history.version();
  return { token: own.token, count: own.count, since };
}

function refusalOf(
  job: ModelJob,
  { set, hold }: Change,
  now: number,
): readonly ErrorCode[] | undefined {
  if (job.endedAt !== undefined) return ["job-finished"];
  if (set.attempt !== undefined && Number(set.attempt) <= job.attempt)
    return ["attempt-superseded"];
  const isLeased = isLeasedAt(job, now);
  if (hold === undefined) return isLeased && isProgress(set) ? ["job-held"] : undefined;
  if (hold.opens === undefined) return hold.token === job.hold?.token ? undefined : ["hold-lost"];
  if (job.hold === undefined)
    return parseCursor(hold.opens.seen)?.epoch === job.epoch ? undefined : ["job-held"];
  const readable = versionsFrom(job, job.hold.since);
  const isForced = hold.opens.takeOver || set.attempt !== undefined;
  return readable.includes(hold.opens.seen) && (isForced || !isLeased) ? undefined : ["job-held"];
}

/** Whether a lease is valid. */
export function isLeasedAt({ lease }: ModelJob, now: number): boolean {
  return lease !== undefined && lease.until > now;
}

function isProgress(set: Fields): boolean {
  return Object.keys(set).some((field) => /^(?:percent$|steps\.)/.test(field));
}

/** The cursors of a version and of all later ones. */
function versionsFrom({ epoch, history }: ModelJob, since: number): readonly string[] {
  const count = history.version() - since + 1;
  return Array.from({ length: count }, (_, by) => printCursor({ epoch, version: since + by }));
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
  if (isStale) return now >= lease.until + lease.ms ? "lost" : undefined;
  return now >= lease.until ? "stale" : undefined;
}

function fieldsOf(transition: Exclude<ModelTransition, "expired">): Record<string, Json> {
  if (transition === "stale") return { stale: true };
  const [status, code, message] =
    transition === "lost"
      ? ["lost", "job-lost", "The worker stopped reporting."]
      : ["timed-out", "job-timed-out", "The job did not finish before its deadline."];
  return { status, stale: false, error: { code, message } };
}
