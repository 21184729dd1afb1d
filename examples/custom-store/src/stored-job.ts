import {
  type Change,
  closedSteps,
  type Delta,
  type Fields,
  type Hold,
  holdAfter,
  isTerminal,
  type JobDraft,
  type JobTimes,
  type Json,
  type LogLine,
  parseCursor,
  printCursor,
  type WriteState,
} from "@emlinh/progress-server";

/** A job as it is in the file. It is immutable: each write makes a new one. */
export interface StoredJob {
  readonly id: string;
  readonly key?: string | undefined;
  /** Its place in the order of creation: jobs that are created later have higher ones. */
  readonly number: number;
  readonly subjects: readonly string[];
  readonly epoch: string;
  readonly version: number;
  /** Each field remembers the version that set it, so that a delta is a comparison. */
  readonly fields: { readonly [field: string]: { readonly value: Json; readonly version: number } };
  readonly log: readonly LogLine[];
  readonly times: JobTimes;
  /** The worker that may write to the job. Absent until the first one opens it. */
  readonly hold?: Hold | undefined;
}

/** Version 1 of a job, in a new epoch. */
export function firstVersion(
  { id, key, subjects = [], set, deadlineMs }: JobDraft,
  { number, now }: { readonly number: number; readonly now: number },
): StoredJob {
  const empty: StoredJob = {
    id,
    key,
    number,
    subjects,
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
  const isVisible = Object.keys(set).length > 0 || change.log.length > 0;
  const version = isVisible ? job.version + 1 : job.version;
  const hold = holdAfter(job.hold, change.hold, version);
  if (!isVisible) return { ...job, times, hold };

  const fields = { ...job.fields };
  for (const [field, value] of Object.entries({ ...set, updatedAt: now })) {
    fields[field] = { value, version };
  }
  const lastN = (job.log.at(-1)?.n ?? 0) + (change.lostLines ?? 0);
  const lines = change.log.map((line, index) => ({ ...line, n: lastN + 1 + index, version }));
  const hasEnded = isTerminal(fields.status?.value);
  return {
    ...job,
    version,
    fields,
    log: [...job.log, ...lines].slice(-maxLogLines),
    hold,
    times: {
      ...times,
      stale: fields.stale?.value === true,
      ...(hasEnded && { endedAt: now, leaseUntil: undefined }),
    },
  };
}

/** The fields of a change, and those that the store adds: it clears `stale`, and at an end it closes the steps. */
function fieldsToSet(job: StoredJob, { set, leaseMs }: Change, now: number): Fields {
  const clearsStale = leaseMs !== undefined && job.times.stale;
  const own = clearsStale ? { ...set, stale: false } : set;
  return isTerminal(set.status)
    ? { ...own, ...closedSteps({ ...valuesOf(job), ...own }, now), finishedAt: now }
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

/** The state that determines whether a write is accepted. */
export function writeStateOf(job: StoredJob, now: number): WriteState {
  const { id, epoch, fields, times, hold } = job;
  return {
    id,
    epoch,
    ended: times.endedAt === undefined ? undefined : String(fields.status?.value),
    attempt: Number(fields.attempt?.value ?? 1),
    hold,
    isLeased: times.leaseUntil !== undefined && times.leaseUntil > now,
  };
}
