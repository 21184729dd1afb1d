import { type Change, type Cursor, deltaAfter, isTerminal } from "@emlinh/progress-protocol";
import type {
  Created,
  JobDraft,
  ProgressStore,
  StoredDelta,
  SweepReport,
  Written,
} from "../../core/store.js";
import { jobExpired, jobNotFound } from "../../shared/errors.js";
import {
  checkWrite,
  fieldsOfTransition,
  type JobTimes,
  leaseOf,
  type OnSweptEnd,
  sweepCounts,
  type Transition,
  timesOfTransition,
  transitionOf,
} from "../../shared/lifecycle.js";
import { openState } from "../shared/open-state.js";
import { type TargetWatchers, targetWatchers } from "../shared/target-watchers.js";
import { type JobTable, jobTable } from "./job-table.js";
import { learnedDurations } from "./learned-durations.js";
import {
  type MemoryStoreOptions,
  type MemoryStoreSettings,
  resolveMemoryOptions,
} from "./options.js";
import { jobInOtherStore, joinOtherStores, type OtherStores } from "./other-stores.js";
import { changeJob, newJob, type StoredJob, writeStateOf } from "./stored-job.js";

/**
 * Keeps jobs in the memory of this process. Other processes do not see them, and a restart loses them.
 *
 * A sweep looks only at the jobs that are due, so its cost does not depend on the number of jobs.
 *
 * A job that another memory store of this process has is answered with a `job-not-found` that says so.
 *
 * @throws ProgressError `invalid-option` if a bound is not a positive number.
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P19, P47, P62
 */
export function memoryStore(options: MemoryStoreOptions = {}): ProgressStore {
  const settings = resolveMemoryOptions(options);
  const jobs = jobTable(settings);
  const watching = targetWatchers();
  const others = joinOtherStores({ hasJob: (jobId) => jobs.find(jobId) !== undefined });
  const memory: Memory = { settings, jobs, watching, others };
  const learned = learnedDurations();
  const { whenOpen, close } = openState();

  return {
    maxLogLines: settings.maxLogLines,
    create: whenOpen((draft) => createJob(memory, draft)),
    write: whenOpen((jobId, change) => writeJob(memory, jobId, change)),
    read: whenOpen((jobId, after) => readJob(memory, jobId, after)),
    list: whenOpen((subject, page) => jobs.page(subject, page)),
    watch: whenOpen((target, wake) => watching.add(target, wake)),
    learn: whenOpen((kind, durations) => learned.learn(kind, durations)),
    expectations: whenOpen((kind) => learned.expectations(kind)),
    sweep: whenOpen((at, limit, onEnd) => sweepJobs(memory, { at, limit, onEnd })),

    remove: whenOpen((jobId) => {
      const job = jobs.find(jobId);
      if (job !== undefined) removeJob(memory, job);
      return job !== undefined;
    }),

    async close() {
      close();
      others.leave();
      for (const kept of [jobs, learned, watching]) kept.clear();
    },
  };
}

/** The parts of one store. */
interface Memory {
  readonly settings: MemoryStoreSettings;
  readonly jobs: JobTable;
  readonly watching: TargetWatchers;
  readonly others: OtherStores;
}

/** @throws ProgressError `job-not-found`, `job-expired` */
function jobIn({ jobs, others }: Memory, jobId: string): StoredJob {
  const job = jobs.find(jobId);
  if (job !== undefined) return job;
  if (jobs.isRemoved(jobId)) throw jobExpired(jobId);
  throw others.haveJob(jobId) ? jobInOtherStore(jobId) : jobNotFound(jobId);
}

function createJob(memory: Memory, draft: JobDraft): Created {
  const { settings, jobs } = memory;
  const known = jobs.findByKey(draft.key);
  if (known !== undefined) return { jobId: known.id, cursor: known.data.cursor, created: false };
  jobs.checkRoomFor(draft.id);
  const now = settings.clock();
  const time = settings.timer();
  const job = newJob(draft, { number: jobs.nextNumber(), time });
  const set = { ...draft.set, createdAt: now };
  const times = isTerminal(draft.set.status) ? { ...job.times, endedAt: time } : job.times;
  changeJob(job, { set, log: [], now, times }, settings.maxLogLines);
  jobs.add(job);
  const cursor = job.data.cursor;
  wakeForMembership(memory, job);
  const excess = jobs.excess();
  if (excess !== undefined) removeJob(memory, excess);
  return { jobId: job.id, cursor, created: true };
}

function readJob(
  { settings, jobs, others }: Memory,
  jobId: string,
  after: Cursor | undefined,
): StoredDelta | undefined {
  const job = jobs.find(jobId);
  if (job !== undefined) {
    const { cursor, reset, set, log, done } = deltaAfter(job.data, after);
    return { cursor, reset, set, log, done, now: settings.clock() };
  }
  if (jobs.isRemoved(jobId)) throw jobExpired(jobId);
  if (others.haveJob(jobId)) throw jobInOtherStore(jobId);
  return undefined;
}

function writeJob(memory: Memory, jobId: string, change: Change): Written {
  const { settings, jobs, watching } = memory;
  const job = jobIn(memory, jobId);
  const now = settings.clock();
  const time = settings.timer();
  if (checkWrite(writeStateOf(job, time), change) === "repeated")
    return { cursor: job.data.cursor, now };
  const { set, log, lostLines, hold, leaseMs } = change;
  // A write that renews the lease or gives it up clears the mark.
  const clears = leaseMs !== undefined && job.times.stale;
  const accepted = clears ? { ...set, stale: false } : set;
  const times = timesAfterWrite(job.times, change, time);
  const timed = { set: accepted, log, lostLines, hold, now, times };
  const delta = changeJob(job, timed, settings.maxLogLines);
  jobs.update(job);
  // Taken before the wake, because a watcher may write at once.
  const cursor = job.data.cursor;
  if (delta !== undefined) watching.jobs.wake(job.id, job.data.version, delta);
  return { cursor, now };
}

/** Every member is named: this is done for each write, and spreads of several objects would take half of its time. */
function timesAfterWrite(times: JobTimes, { set, leaseMs }: Change, time: number): JobTimes {
  const ends = isTerminal(set.status);
  const lease = leaseMs === undefined ? times : leaseOf(leaseMs, time);
  return {
    stale: times.stale,
    leaseUntil: ends ? undefined : lease.leaseUntil,
    leaseMs: lease.leaseMs,
    deadlineAt: times.deadlineAt,
    writtenAt: time,
    endedAt: ends ? time : times.endedAt,
  };
}

interface SweepInput {
  /** Milliseconds since the epoch; `undefined` for now. */
  readonly at: number | undefined;
  readonly limit: number;
  readonly onEnd: OnSweptEnd | undefined;
}

function sweepJobs(memory: Memory, { at, limit, onEnd }: SweepInput): SweepReport {
  const { settings, jobs } = memory;
  const now = at ?? settings.clock();
  const time = at === undefined ? settings.timer() : settings.timerAt(at);
  const counts = sweepCounts(onEnd);
  for (let job = jobs.due(time); job !== undefined; job = jobs.due(time)) {
    if (counts.total() >= limit) break;
    const transition = transitionOf(job.times, settings, time);
    if (transition === undefined)
      throw new Error(`The job "${job.id}" is queued for a time at which nothing is due.`);
    if (transition === "expired") removeJob(memory, job);
    else makeTransition(memory, job, { transition, now, time });
    counts.add(transition, job.id);
  }
  return counts.report(jobs.due(time) !== undefined);
}

interface TransitionNow {
  readonly transition: Exclude<Transition, "expired">;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The same moment by the clock that measures leases. */
  readonly time: number;
}

function makeTransition(
  { settings, jobs, watching }: Memory,
  job: StoredJob,
  { transition, now, time }: TransitionNow,
): void {
  const set = fieldsOfTransition(transition, now);
  const times = { ...job.times, ...timesOfTransition(transition, time), writtenAt: time };
  const delta = changeJob(job, { set, log: [], now, times }, settings.maxLogLines);
  jobs.update(job);
  watching.jobs.wake(job.id, job.data.version, delta);
}

function removeJob(memory: Memory, job: StoredJob): void {
  memory.jobs.remove(job);
  wakeForMembership(memory, job);
}

/** Wakes the watchers of a job that was created or removed, and those of its subjects. */
function wakeForMembership({ watching }: Memory, { id, subjects }: StoredJob): void {
  watching.jobs.wake(id);
  for (const subject of subjects) watching.lists.wake(subject);
}
