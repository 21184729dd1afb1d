import type { Cursor, Fields, HoldWrite, Json, TerminalStatus } from "@emlinh/progress-protocol";
import { holdLost, jobNotFound } from "../shared/errors.js";
import type { GuardedStore } from "./guarded-store.js";
import { jobEnded } from "./job-ended.js";
import type { Learner } from "./learner.js";
import { openingFields } from "./opening.js";
import type { Settings } from "./options.js";
import { aboutRequest } from "./request-fault.js";
import type { StoredDelta } from "./store.js";
import type { UpdateOpening, WorkerUpdate } from "./updates/read-update.js";
import { changeOf, type ReportedChange } from "./updates/update-change.js";

export { readUpdate, type WorkerUpdate } from "./updates/read-update.js";

/** The answer to a report (P55). */
interface UpdateReply {
  readonly jobId: string;
  readonly cursor: Cursor;
  readonly attempt: number;
  readonly status: Json;
  readonly cancelRequested: boolean;
  /** Milliseconds within which the worker must report again; 0 after its last report. */
  readonly leaseMs: number;
  /** The store's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** Reports of workers that have no reporter, because they run elsewhere. */
export interface WorkerReports {
  /**
   * Writes a report. The state of the worker is its hold in the store alone, so any process can take any report.
   *
   * @throws ProgressError `invalid-change`, `too-large`, `job-not-found`, `job-expired`, `job-finished`, `job-held`,
   * `hold-lost`, `attempt-superseded`, `store-unavailable`
   */
  write(jobId: string, update: WorkerUpdate): Promise<UpdateReply>;
}

interface ReportsContext {
  readonly store: GuardedStore;
  readonly learner: Pick<Learner, "learn">;
  readonly settings: Settings;
}

/** Writes reports to a store. */
export function createWorkerReports({ store, settings, learner }: ReportsContext): WorkerReports {
  return {
    async write(jobId, update) {
      const leaseMs = update.leaseMs ?? settings.leaseMs;
      const { open, hold, last } = update;
      let job = await readReported(store, jobId, update);
      if (open !== undefined) {
        await openJob(store, job, { hold: namesOf(hold).first, open, leaseMs });
        // Until the job was opened, its former worker may have gone on, and its percent must not fall (P13).
        job = await readReported(store, jobId, update);
      } else if (job.before.set.status === "queued" && last?.kind !== "requeue") {
        // The worker gave the job back. Its hold must not lease a job that waits for the next attempt.
        throw holdLost(jobId);
      }
      const lease = last === undefined ? leaseMs : 0;
      await store.write(jobId, { ...job.change, hold: namesOf(hold).second, leaseMs: lease });
      const after = await readAfter(store, job);
      if (after.done && !job.before.done) {
        const { status, kind } = after.set;
        jobEnded(settings, { jobId, status: status as TerminalStatus, kind: String(kind) });
        if (status === "completed") learner.learn(after.set);
      }
      return replyOf(jobId, after, lease);
    },
  };
}

/** A job, and the change that a report makes to it. */
interface ReportedJob {
  readonly jobId: string;
  readonly before: StoredDelta;
  readonly change: ReportedChange;
}

async function readReported(
  store: GuardedStore,
  jobId: string,
  update: WorkerUpdate,
): Promise<ReportedJob> {
  const before = await store.read(jobId);
  if (before === undefined) throw jobNotFound(jobId);
  const change = aboutRequest(() => changeOf(update, before.set, before.now));
  return { jobId, before, change };
}

/**
 * The names of the two writes that a request may make: one opens the job, the other one reports. A repeated request has
 * the same names, so the store repeats only the write that it does not have.
 */
function namesOf({ token, count }: WorkerUpdate["hold"]): {
  readonly first: HoldWrite;
  readonly second: HoldWrite;
} {
  return { first: { token, count: 2 * count - 1 }, second: { token, count: 2 * count } };
}

interface Opening {
  readonly hold: HoldWrite;
  readonly open: UpdateOpening;
  readonly leaseMs: number;
}

async function openJob(
  store: GuardedStore,
  { jobId, before }: ReportedJob,
  { hold, open, leaseMs }: Opening,
): Promise<void> {
  const { set } = openingFields(before.set, open.attempt, before.now);
  const opens = { seen: open.seen ?? before.cursor, takeOver: open.takeOver };
  await store.write(jobId, { set, log: [], hold: { ...hold, opens }, leaseMs });
}

/** The job as it is now. A write that was repeated has changed nothing, and others may have written. */
async function readAfter(
  store: GuardedStore,
  { jobId, before }: ReportedJob,
): Promise<StoredDelta> {
  const delta = await store.read(jobId, before.cursor);
  if (delta === undefined) throw jobNotFound(jobId);
  const set: Fields = delta.reset ? delta.set : { ...before.set, ...delta.set };
  return { ...delta, set };
}

function replyOf(jobId: string, { set, cursor, now }: StoredDelta, leaseMs: number): UpdateReply {
  return {
    jobId,
    cursor,
    attempt: Number(set.attempt ?? 1),
    status: set.status ?? "queued",
    cancelRequested: set.cancelRequested === true,
    leaseMs,
    now,
  };
}
