import {
  type Change,
  type Cursor,
  cursorOf,
  emptyLedger,
  fieldOf,
  hasEnded,
  isVisible,
  type Ledger,
  readLedger,
  writeLedger,
} from "@emlinh/progress-protocol";
import { dueAt, fateOf, fieldsOfFate, type JobTimes } from "../core/endings.js";
import type { Created, JobDraft, ProgressStore, SweepReport } from "../core/store.js";
import { dueQueue } from "./due-queue.js";
import { newEpoch } from "./epoch.js";
import { frozenCopy } from "./frozen-copy.js";
import { type MemoryStoreOptions, resolveMemoryOptions } from "./memory-options.js";
import {
  idTaken,
  jobExpired,
  jobNotFound,
  refuseLate,
  type Standing,
  storeClosed,
  storeFull,
} from "./refusals.js";
import { watchers } from "./watchers.js";

interface StoredJob {
  readonly id: string;
  readonly key: string | undefined;
  readonly ledger: Ledger;
  times: JobTimes;
}

/**
 * Keeps jobs in this process: fan-out reaches no other one, and a restart forgets every job.
 *
 * A sweep looks only at the jobs that are due, and costs the same with ten jobs as with a hundred thousand.
 *
 * @throws ProgressError `invalid-option` if a bound is not a positive number.
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P18
 */
export function memoryStore(options: MemoryStoreOptions = {}): ProgressStore {
  const limits = resolveMemoryOptions(options);
  const { clock, maxLogLines, maxJobs, maxTombstones } = limits;
  const jobs = new Map<string, StoredJob>();
  const idsByKey = new Map<string, string>();
  /** In the order of their end. */
  const ended = new Set<StoredJob>();
  /** Ids of removed jobs, the oldest first. */
  const tombstones = new Set<string>();
  /** Holds every job, at the time of its next fate. */
  const due = dueQueue<StoredJob>();
  const watching = watchers();
  let closed = false;

  function assertOpen(): void {
    if (closed) throw storeClosed();
  }

  /** The one way in which a job changes; it changes wholly, or, if its values are no JSON, not at all. */
  function put(
    job: StoredJob,
    { set, log }: Pick<Change, "set" | "log">,
    now: number,
    lease: Partial<JobTimes> = {},
  ): boolean {
    const visible = isVisible({ set, log });
    if (visible)
      writeLedger(job.ledger, frozenCopy({ set: { ...set, updatedAt: now }, log }), maxLogLines);
    const stale = fieldOf(job.ledger, "stale") === true;
    job.times = { ...job.times, ...lease, stale, writtenAt: now };
    if (hasEnded(job.ledger)) {
      job.times = { ...job.times, endedAt: now, leaseUntil: undefined };
      ended.add(job);
    }
    due.set(job, dueAt(job.times, limits));
    return visible;
  }

  function remove(job: StoredJob): void {
    jobs.delete(job.id);
    if (job.key !== undefined) idsByKey.delete(job.key);
    ended.delete(job);
    due.delete(job);
    tombstones.add(job.id);
    for (const id of tombstones) {
      if (tombstones.size <= maxTombstones) break;
      tombstones.delete(id);
    }
    watching.wake(job.id);
  }

  function makeRoom(): void {
    const [first] = ended;
    if (jobs.size > maxJobs && first !== undefined) remove(first);
  }

  return {
    maxLogLines,

    async create(draft: JobDraft): Promise<Created> {
      assertOpen();
      const known = draft.key === undefined ? undefined : jobs.get(idsByKey.get(draft.key) ?? "");
      if (known !== undefined)
        return { jobId: known.id, cursor: cursorOf(known.ledger), created: false };
      if (jobs.has(draft.id)) throw idTaken(draft.id);
      if (jobs.size >= maxJobs && ended.size === 0) throw storeFull(maxJobs);
      const now = clock();
      const job = newJob(draft, now);
      put(job, { set: { ...draft.set, createdAt: now }, log: [] }, now);
      jobs.set(job.id, job);
      if (job.key !== undefined) idsByKey.set(job.key, job.id);
      tombstones.delete(job.id);
      const cursor = cursorOf(job.ledger);
      watching.wake(job.id);
      makeRoom();
      return { jobId: job.id, cursor, created: true };
    },

    async write(jobId: string, change: Change): Promise<Cursor> {
      assertOpen();
      const job = jobs.get(jobId);
      if (job === undefined) throw tombstones.has(jobId) ? jobExpired(jobId) : jobNotFound(jobId);
      refuseLate(standingOf(job), {
        begins: change.set.attempt === undefined ? undefined : Number(change.set.attempt),
        attempt: change.attempt,
      });
      const now = clock();
      const { leaseMs, log } = change;
      const revives = leaseMs !== undefined && job.times.stale;
      const set = revives ? { ...change.set, stale: false } : change.set;
      const lease = leaseMs === undefined ? {} : leaseOf(leaseMs, now);
      const visible = put(job, { set, log }, now, lease);
      const cursor = cursorOf(job.ledger);
      if (visible) watching.wake(jobId, job.ledger.version);
      return cursor;
    },

    async read(jobId: string, after?: Cursor) {
      assertOpen();
      const job = jobs.get(jobId);
      if (job === undefined && tombstones.has(jobId)) throw jobExpired(jobId);
      // Values are frozen since they were written; the delta around them is the reader's own.
      return job && readLedger(job.ledger, after);
    },

    async watch(jobId, wake) {
      assertOpen();
      return watching.add(jobId, wake);
    },

    async sweep(at: number | undefined, limit: number): Promise<SweepReport> {
      assertOpen();
      const now = at ?? clock();
      const counts = { stale: 0, lost: 0, "timed-out": 0, expired: 0 };
      let left = limit;
      for (let job = due.due(now); job !== undefined && left > 0; job = due.due(now), left -= 1) {
        const fate = fateOf(job.times, limits, now);
        if (fate === undefined)
          throw new Error(`The job "${job.id}" was queued for a time at which nothing is due.`);
        counts[fate] += 1;
        if (fate === "expired") {
          remove(job);
          continue;
        }
        put(job, { set: fieldsOfFate(fate, now), log: [] }, now);
        watching.wake(job.id, job.ledger.version);
      }
      const { stale, lost, expired } = counts;
      return {
        stale,
        lost,
        timedOut: counts["timed-out"],
        expired,
        more: due.due(now) !== undefined,
      };
    },

    async close() {
      closed = true;
      for (const kept of [jobs, idsByKey, ended, tombstones, due, watching]) kept.clear();
    },
  };
}

function newJob({ id, key, deadlineMs }: JobDraft, now: number): StoredJob {
  const deadlineAt = deadlineMs === undefined ? undefined : now + deadlineMs;
  const times: JobTimes = {
    stale: false,
    leaseUntil: undefined,
    leaseMs: 0,
    deadlineAt,
    writtenAt: now,
    endedAt: undefined,
  };
  return { id, key, ledger: emptyLedger(newEpoch()), times };
}

function leaseOf(leaseMs: number, now: number): Pick<JobTimes, "leaseMs" | "leaseUntil"> {
  return { leaseMs, leaseUntil: leaseMs > 0 ? now + leaseMs : undefined };
}

function standingOf({ id, ledger }: StoredJob): Standing {
  return {
    id,
    ended: hasEnded(ledger) ? String(fieldOf(ledger, "status")) : undefined,
    attempt: Number(fieldOf(ledger, "attempt") ?? 1),
  };
}
