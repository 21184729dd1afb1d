import {
  applyDelta,
  type Change,
  type Cursor,
  deltaAfter,
  deltaOfChange,
  emptyReplica,
  type Fields,
  fieldValue,
  isTerminal,
  replicaCursor,
  replicaFields,
} from "@emlinh/progress-protocol";
import type { Created, JobDraft, ProgressStore, SweepReport } from "../../core/store.js";
import { jobExpired, storeClosed } from "../../shared/errors.js";
import { newEpoch } from "../../shared/ids.js";
import {
  checkWrite,
  closedSteps,
  dueAt,
  fieldsOfTransition,
  type JobTimes,
  leaseOf,
  sweepCounts,
  timesAtCreation,
  transitionOf,
  type WriteState,
} from "../../shared/lifecycle.js";
import { watchers } from "../shared/watchers.js";
import { dueQueue } from "./due-queue.js";
import { frozenCopy } from "./frozen-copy.js";
import { jobTable, type StoredJob } from "./job-table.js";
import { type MemoryStoreOptions, resolveMemoryOptions } from "./options.js";

/**
 * Keeps jobs in this process. Other processes see nothing of them, and a restart forgets every job.
 *
 * A sweep looks only at the jobs that are due, so it costs the same with ten jobs as with a hundred thousand.
 *
 * @throws ProgressError `invalid-option` if a bound is not a positive number.
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P18
 */
export function memoryStore(options: MemoryStoreOptions = {}): ProgressStore {
  const limits = resolveMemoryOptions(options);
  const { clock, maxLogLines } = limits;
  const jobs = jobTable(limits);
  /** Every job, by the time of its next transition. */
  const due = dueQueue<StoredJob>();
  const watching = watchers();
  let closed = false;

  function assertOpen(): void {
    if (closed) throw storeClosed();
  }

  /** Changes a job. If a value can't be written as JSON it throws, and nothing has changed. */
  function put(job: StoredJob, change: ChangeAt): boolean {
    const { now, log } = change;
    const set = { ...change.set, ...closedAtEnd(job, change.set, now) };
    const delta = deltaOfChange(job.data, { set, log });
    // Frozen, since every reader is given the same values.
    if (delta !== undefined)
      applyDelta(job.data, frozenCopy({ ...delta, set: { ...set, updatedAt: now } }), maxLogLines);
    const stale = fieldValue(job.data, "stale") === true;
    job.times = { ...job.times, ...change.lease, stale, writtenAt: now };
    if (job.data.done) {
      job.times = { ...job.times, endedAt: now, leaseUntil: undefined };
      jobs.markEnded(job);
    }
    due.set(job, dueAt(job.times, limits));
    return delta !== undefined;
  }

  function remove(job: StoredJob): void {
    jobs.remove(job);
    due.delete(job);
    watching.wake(job.id);
  }

  return {
    maxLogLines,

    async create(draft: JobDraft): Promise<Created> {
      assertOpen();
      const known = jobs.findByKey(draft.key);
      if (known !== undefined)
        return { jobId: known.id, cursor: replicaCursor(known.data), created: false };
      jobs.checkRoomFor(draft.id);
      const now = clock();
      const job = newJob(draft, now);
      put(job, { set: { ...draft.set, createdAt: now }, log: [], now });
      jobs.add(job);
      const cursor = replicaCursor(job.data);
      watching.wake(job.id);
      const excess = jobs.excess();
      if (excess !== undefined) remove(excess);
      return { jobId: job.id, cursor, created: true };
    },

    async write(jobId: string, change: Change): Promise<Cursor> {
      assertOpen();
      const job = jobs.get(jobId);
      checkWrite(writeStateOf(job), change);
      const now = clock();
      const { leaseMs, log } = change;
      // A worker that reports is not stale any more.
      const revives = leaseMs !== undefined && job.times.stale;
      const set = revives ? { ...change.set, stale: false } : change.set;
      const isVisible = put(job, { set, log, now, lease: leaseOf(leaseMs, now) });
      const cursor = replicaCursor(job.data);
      if (isVisible) watching.wake(jobId, job.data.version);
      return cursor;
    },

    async read(jobId: string, after?: Cursor) {
      assertOpen();
      const job = jobs.find(jobId);
      if (job !== undefined) return deltaAfter(job.data, after);
      if (jobs.isRemoved(jobId)) throw jobExpired(jobId);
      return undefined;
    },

    async watch(jobId, wake) {
      assertOpen();
      return watching.add(jobId, wake);
    },

    async remove(jobId) {
      assertOpen();
      const job = jobs.find(jobId);
      if (job !== undefined) remove(job);
      return job !== undefined;
    },

    async sweep(at: number | undefined, limit: number): Promise<SweepReport> {
      assertOpen();
      const now = at ?? clock();
      const counts = sweepCounts();
      for (let job = due.due(now); job !== undefined; job = due.due(now)) {
        if (counts.total() >= limit) break;
        const transition = transitionOf(job.times, limits, now);
        if (transition === undefined)
          throw new Error(`The job "${job.id}" is queued for a time at which nothing is due.`);
        counts.add(transition);
        if (transition === "expired") {
          remove(job);
          continue;
        }
        put(job, { set: fieldsOfTransition(transition, now), log: [], now });
        watching.wake(job.id, job.data.version);
      }
      return counts.report(due.due(now) !== undefined);
    },

    async close() {
      closed = true;
      for (const kept of [jobs, due, watching]) kept.clear();
    },
  };
}

/** A change, the time of its write, and what it does to the lease. */
interface ChangeAt extends Pick<Change, "set" | "log"> {
  readonly now: number;
  readonly lease?: Partial<JobTimes>;
}

function newJob({ id, key, deadlineMs }: JobDraft, now: number): StoredJob {
  return { id, key, data: emptyReplica(newEpoch()), times: timesAtCreation(now, deadlineMs) };
}

function closedAtEnd({ data }: StoredJob, set: Fields, now: number): Fields {
  return isTerminal(set.status) ? closedSteps({ ...replicaFields(data), ...set }, now) : {};
}

function writeStateOf({ id, data }: StoredJob): WriteState {
  return {
    id,
    ended: data.done ? String(fieldValue(data, "status")) : undefined,
    attempt: Number(fieldValue(data, "attempt") ?? 1),
  };
}
