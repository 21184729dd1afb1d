import {
  type Change,
  type Delta,
  isTerminal,
  type JobDraft,
  type JobTimes,
  type Json,
  type LogLine,
  ProgressError,
  parseCursor,
  printCursor,
} from "@emlinh/progress-server";

/** A job as the file has it. It is never changed: each write makes the next one out of it. */
export interface StoredJob {
  readonly id: string;
  readonly key?: string | undefined;
  readonly epoch: string;
  readonly version: number;
  /** Each field remembers the version that set it: so what changed after a cursor is a comparison. */
  readonly fields: { readonly [field: string]: { readonly value: Json; readonly version: number } };
  readonly log: readonly LogLine[];
  readonly times: JobTimes;
}

/** Version 1 of a job, in an epoch that no job had before. */
export function firstVersion({ id, key, set, deadlineMs }: JobDraft, now: number): StoredJob {
  const nothing: StoredJob = {
    id,
    key,
    epoch: crypto.randomUUID(),
    version: 0,
    fields: {},
    log: [],
    times: {
      stale: false,
      leaseUntil: undefined,
      leaseMs: 0,
      deadlineAt: deadlineMs === undefined ? undefined : now + deadlineMs,
      writtenAt: now,
      endedAt: undefined,
    },
  };
  return nextVersion(
    nothing,
    { set: { ...set, createdAt: now }, log: [] },
    { now, maxLogLines: 1 },
  );
}

/** The job after a change that its store has taken; the same version if nobody can see the change. */
export function nextVersion(
  job: StoredJob,
  { set: own, log, leaseMs }: Change,
  { now, maxLogLines }: { readonly now: number; readonly maxLogLines: number },
): StoredJob {
  const revived = leaseMs !== undefined && job.times.stale;
  const set = revived ? { ...own, stale: false } : own;
  const lease =
    leaseMs === undefined ? {} : { leaseMs, leaseUntil: leaseMs > 0 ? now + leaseMs : undefined };
  const times = { ...job.times, ...lease, writtenAt: now };
  if (Object.keys(set).length === 0 && log.length === 0) return { ...job, times };

  const version = job.version + 1;
  const fields = { ...job.fields };
  for (const [field, value] of Object.entries({ ...set, updatedAt: now })) {
    fields[field] = { value, version };
  }
  const lastN = job.log.at(-1)?.n ?? 0;
  const lines = log.map((line, index) => ({ ...line, n: lastN + 1 + index, version }));
  const ended = isTerminal(fields.status?.value);
  return {
    ...job,
    version,
    fields,
    log: [...job.log, ...lines].slice(-maxLogLines),
    times: {
      ...times,
      stale: fields.stale?.value === true,
      ...(ended && { endedAt: now, leaseUntil: undefined }),
    },
  };
}

/** What changed after a cursor; everything, if it isn't a cursor of this job's. */
export function deltaAfter(job: StoredJob, after?: string): Delta {
  const at = parseCursor(after);
  const reset = at === undefined || at.epoch !== job.epoch || at.version > job.version;
  const from = reset ? 0 : at.version;
  const changed = Object.entries(job.fields).filter(([, { version }]) => version > from);
  return {
    cursor: cursorOf(job),
    reset,
    set: Object.fromEntries(changed.map(([field, { value }]) => [field, value])),
    log: job.log.filter(({ version }) => version > from),
  };
}

export function cursorOf({ epoch, version }: StoredJob): string {
  return printCursor({ epoch, version });
}

/** Refuses what comes after the end, or from a worker whose attempt is over. */
export function refuseLate({ id, fields, times }: StoredJob, { set, attempt }: Change): void {
  if (times.endedAt !== undefined) {
    throw new ProgressError("job-finished", { message: `The job "${id}" has ended.` });
  }
  const current = Number(fields.attempt?.value ?? 1);
  const late =
    set.attempt === undefined ? (attempt ?? current) < current : Number(set.attempt) <= current;
  if (late) {
    throw new ProgressError("attempt-superseded", {
      message: `The job "${id}" is at attempt ${current}: stop this worker.`,
    });
  }
}
