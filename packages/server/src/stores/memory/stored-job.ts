import {
  applyDelta,
  type Change,
  deltaOfChange,
  emptyReplica,
  fieldValue,
  isTerminal,
  isVisible,
  type Replica,
  replicaFields,
} from "@emlinh/progress-protocol";
import type { JobDraft } from "../../core/store.js";
import { newEpoch } from "../../shared/ids.js";
import {
  closedSteps,
  type JobTimes,
  timesAtCreation,
  type WriteState,
} from "../../shared/lifecycle.js";
import { frozenCopy } from "./frozen-copy.js";

/** A job in memory. */
export interface StoredJob {
  readonly id: string;
  readonly key: string | undefined;
  /** The job's fields and lines. This replica is the original; readers get deltas of it. */
  readonly data: Replica;
  times: JobTimes;
}

/** A change, the time of its write, and what it does to the lease. */
export interface TimedChange extends Pick<Change, "set" | "log"> {
  readonly now: number;
  readonly lease?: Partial<JobTimes>;
}

/** A job of a new epoch, without any version. */
export function newJob({ id, key, deadlineMs }: JobDraft, now: number): StoredJob {
  return { id, key, data: emptyReplica(newEpoch()), times: timesAtCreation(now, deadlineMs) };
}

/**
 * Writes a change that was accepted.
 *
 * @returns whether it raised a version.
 * @throws TypeError if a value can't be written as JSON. Then nothing has changed.
 */
export function changeJob(job: StoredJob, change: TimedChange, maxLogLines: number): boolean {
  const { now, lease } = change;
  const { data } = job;
  const delta = isVisible(change) ? deltaOfChange(data, copyOf(job, change)) : undefined;
  if (delta !== undefined) applyDelta(data, delta, maxLogLines);
  job.times = {
    ...job.times,
    ...lease,
    stale: fieldValue(data, "stale") === true,
    writtenAt: now,
    ...(data.done && { endedAt: now, leaseUntil: undefined }),
  };
  return delta !== undefined;
}

/** A frozen copy of a change, with the fields that the store adds. */
function copyOf({ data }: StoredJob, change: TimedChange): Pick<Change, "set" | "log"> {
  const { set, log, now } = change;
  const isEnd = isTerminal(set.status);
  const closed = isEnd ? closedSteps({ ...replicaFields(data), ...set }, now) : {};
  return frozenCopy({ set: { ...set, ...closed, updatedAt: now }, log });
}

/** The state by which a write is accepted or refused. */
export function writeStateOf({ id, data }: StoredJob): WriteState {
  return {
    id,
    ended: data.done ? String(fieldValue(data, "status")) : undefined,
    attempt: Number(fieldValue(data, "attempt") ?? 1),
  };
}
