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
  readonly epoch: string;
  readonly version: number;
  /** Each field remembers the version that set it, so that a delta is a comparison. */
  readonly fields: { readonly [field: string]: { readonly value: Json; readonly version: number } };
  readonly log: readonly LogLine[];
  readonly times: JobTimes;
  /** The worker that may write. */
  readonly hold?: Hold | undefined;
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

/**
 * The job after a change that was accepted. A change that readers can't see raises no version.
 *
 * @param times - The times that the change sets.
 */
export function nextVersion(
  job: StoredJob,
  change: Change,
  {
    now,
    maxLogLines,
    times = timesOfWrite(change, now),
  }: {
    readonly now: number;
    readonly maxLogLines: number;
    readonly times?: Partial<JobTimes>;
  },
): StoredJob {
  const set = fieldsToSet(job, change, now);
  const isVisible = Object.keys(set).length > 0 || change.log.length > 0;
  const version = isVisible ? job.version + 1 : job.version;
  const fields = { ...job.fields };
  if (isVisible)
    for (const [field, value] of Object.entries({ ...set, updatedAt: now }))
      fields[field] = { value, version };
  const stale = fields.stale?.value === true;
  return {
    ...job,
    version,
    fields,
    log: [...job.log, ...numberedLines(job, change, version)].slice(-maxLogLines),
    times: { ...job.times, writtenAt: now, ...times, stale },
    hold: holdAfter(job.hold, change.hold, version),
  };
}

/** The lines of a change. Those that its writer lost before them leave a gap in the numbers. */
function numberedLines(job: StoredJob, { log, lostLines = 0 }: Change, version: number): LogLine[] {
  const firstN = (job.log.at(-1)?.n ?? 0) + lostLines + 1;
  return log.map((line, index) => ({ ...line, n: firstN + index, version }));
}

/** The fields of a change, and those that the store adds: it clears `stale`, and completes an end. */
function fieldsToSet(job: StoredJob, { set, leaseMs }: Change, now: number): Fields {
  const clearsStale = leaseMs !== undefined && job.times.stale;
  const own = clearsStale ? { ...set, stale: false } : set;
  return isTerminal(set.status)
    ? { ...own, ...closedSteps({ ...valuesOf(job), ...own }, now), finishedAt: now }
    : own;
}

/** The times that a write sets: it may renew the lease or give it up, and an end gives it up. */
function timesOfWrite({ set, leaseMs }: Change, now: number): Partial<JobTimes> {
  if (isTerminal(set.status)) return { endedAt: now, leaseUntil: undefined };
  return leaseMs === undefined
    ? {}
    : { leaseMs, leaseUntil: leaseMs > 0 ? now + leaseMs : undefined };
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

/** The state by which `checkWrite` accepts or refuses a write. */
export function writeStateOf(
  { id, epoch, fields, times, hold }: StoredJob,
  now: number,
): WriteState {
  return {
    id,
    epoch,
    hold,
    ended: times.endedAt === undefined ? undefined : String(fields.status?.value),
    attempt: Number(fields.attempt?.value ?? 1),
    isLeased: times.leaseUntil !== undefined && times.leaseUntil > now,
  };
}
