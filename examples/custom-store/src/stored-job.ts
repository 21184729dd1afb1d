import {
  type Change,
  closedSteps,
  type Delta,
  type Fields,
  isTerminal,
  type JobDraft,
  type JobTimes,
  type Json,
  type LogLine,
  ProgressError,
  parseCursor,
  printCursor,
} from "@emlinh/progress-server";

/** A job as it is in the file. It is immutable: each write makes a new one. */
export interface StoredJob {
  readonly id: string;
  readonly key?: string | undefined;
  readonly epoch: string;
  readonly version: number;
  /** Each field remembers the version that set it, so that a delta is a comparison. */
  readonly fields: { readonly [field: string]: { readonly value: Json; readonly version: number } };
  readonly log: readonly LogLine[];
  readonly times: JobTimes;
}

/** Version 1 of a job, in a new epoch. */
export function firstVersion({ id, key, set, deadlineMs }: JobDraft, now: number): StoredJob {
  const empty: StoredJob = {
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
  return nextVersion(empty, { set: { ...set, createdAt: now }, log: [] }, { now, maxLogLines: 1 });
}

/** The job after a change that was accepted. A change that readers can't see raises no version. */
export function nextVersion(
  job: StoredJob,
  change: Change,
  { now, maxLogLines }: { readonly now: number; readonly maxLogLines: number },
): StoredJob {
  const set = fieldsToSet(job, change, now);
  const times = { ...job.times, ...leaseAfter(change, now), writtenAt: now };
  if (Object.keys(set).length === 0 && change.log.length === 0) return { ...job, times };

  const version = job.version + 1;
  const fields = { ...job.fields };
  for (const [field, value] of Object.entries({ ...set, updatedAt: now })) {
    fields[field] = { value, version };
  }
  const lastN = job.log.at(-1)?.n ?? 0;
  const lines = change.log.map((line, index) => ({ ...line, n: lastN + 1 + index, version }));
  const hasEnded = isTerminal(fields.status?.value);
  return {
    ...job,
    version,
    fields,
    log: [...job.log, ...lines].slice(-maxLogLines),
    times: {
      ...times,
      stale: fields.stale?.value === true,
      ...(hasEnded && { endedAt: now, leaseUntil: undefined }),
    },
  };
}

/** The fields of a change, and those that the store adds: it clears `stale`, and closes the running steps at an end. */
function fieldsToSet(job: StoredJob, { set, leaseMs }: Change, now: number): Fields {
  const clearsStale = leaseMs !== undefined && job.times.stale;
  const own = clearsStale ? { ...set, stale: false } : set;
  return isTerminal(set.status)
    ? { ...own, ...closedSteps({ ...valuesOf(job), ...own }, now) }
    : own;
}

function leaseAfter({ leaseMs }: Change, now: number): Partial<JobTimes> {
  if (leaseMs === undefined) return {};
  return { leaseMs, leaseUntil: leaseMs > 0 ? now + leaseMs : undefined };
}

function valuesOf({ fields }: StoredJob): Fields {
  return Object.fromEntries(Object.entries(fields).map(([field, { value }]) => [field, value]));
}

/** What changed after a cursor; everything if it is not a cursor of this job. */
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
    done: job.times.endedAt !== undefined,
  };
}

export function cursorOf({ epoch, version }: StoredJob): string {
  return printCursor({ epoch, version });
}

/** Refuses a write after the end, or by a worker of an earlier attempt. */
export function checkWrite({ id, fields, times }: StoredJob, { set, attempt }: Change): void {
  if (times.endedAt !== undefined) {
    throw new ProgressError("job-finished", {
      message: `The job "${id}" has ended and can't be changed.`,
    });
  }
  const current = Number(fields.attempt?.value ?? 1);
  const isLate =
    set.attempt === undefined ? (attempt ?? current) < current : Number(set.attempt) <= current;
  if (isLate) {
    throw new ProgressError("attempt-superseded", {
      message: `Attempt ${current} of the job "${id}" has begun. Stop this worker.`,
    });
  }
}
