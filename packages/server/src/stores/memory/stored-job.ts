import {
  applyDelta,
  type Change,
  type Delta,
  deltaOfChange,
  emptyReplica,
  fieldValue,
  isTerminal,
  isVisible,
  type Json,
  type Replica,
  replicaFields,
} from "@emlinh/progress-protocol";
import type { JobDraft } from "../../core/store.js";
import { newEpoch } from "../../shared/ids.js";
import {
  closedSteps,
  type Hold,
  holdAfter,
  type JobTimes,
  timesAtCreation,
  type WriteState,
} from "../../shared/lifecycle.js";
import { frozenCopy } from "./frozen-copy.js";

/** A job in memory. */
export interface StoredJob {
  readonly id: string;
  readonly key: string | undefined;
  readonly subjects: readonly string[];
  /** Its place in the order of creation: jobs that are created later have higher ones. */
  readonly number: number;
  /** The job's fields and lines. This replica is the original; readers get deltas of it. */
  readonly data: Replica;
  /** By the clock that measures leases. */
  times: JobTimes;
  hold: Hold | undefined;
}

/** A change, the time of its write by the store's clock, and the job's times after it. */
export interface TimedChange extends Pick<Change, "set" | "log" | "lostLines" | "hold"> {
  readonly now: number;
  readonly times: JobTimes;
}

/** The place of a new job among the others, and the time by the clock that measures leases. */
interface Creation {
  readonly number: number;
  readonly time: number;
}

/** A job of a new epoch, without any version. */
export function newJob(draft: JobDraft, { number, time }: Creation): StoredJob {
  const { id, key, subjects = [], deadlineMs } = draft;
  const data = emptyReplica(newEpoch());
  const times = timesAtCreation(time, deadlineMs);
  return { id, key, subjects: [...subjects], number, data, times, hold: undefined };
}

/**
 * Writes a change that was accepted.
 *
 * @returns the delta of its version; `undefined` if it raised none.
 * @throws TypeError if a value can't be written as JSON. Then nothing has changed.
 */
export function changeJob(
  job: StoredJob,
  change: TimedChange,
  maxLogLines: number,
): Delta | undefined {
  const { data } = job;
  const delta = isVisible(change) ? deltaOfChange(data, copyOf(job, change)) : undefined;
  if (delta !== undefined) applyDelta(data, delta, maxLogLines);
  const stale = fieldValue(data, "stale") === true;
  job.times = stale === change.times.stale ? change.times : { ...change.times, stale };
  job.hold = holdAfter(job.hold, change.hold, data.version);
  return delta;
}

/** A frozen copy of a change, with the fields that the store adds. */
function copyOf(
  { data }: StoredJob,
  { set, log, lostLines, now }: TimedChange,
): Pick<Change, "set" | "log" | "lostLines"> {
  const fields: Record<string, Json> = { ...set, updatedAt: now };
  if (isTerminal(set.status)) {
    Object.assign(fields, closedSteps({ ...replicaFields(data), ...set }, now));
    fields.finishedAt = now;
  }
  return { set: frozenCopy(fields), log: frozenCopy(log), lostLines };
}

/** The state by which a write is accepted or refused. @param now - By the clock that measures leases. */
export function writeStateOf({ id, data, times, hold }: StoredJob, now: number): WriteState {
  return {
    id,
    epoch: data.epoch,
    ended: data.done ? String(fieldValue(data, "status")) : undefined,
    attempt: Number(fieldValue(data, "attempt") ?? 1),
    hold,
    isLeased: times.leaseUntil !== undefined && times.leaseUntil > now,
  };
}
