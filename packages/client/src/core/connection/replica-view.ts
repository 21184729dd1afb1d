import {
  type Applied,
  applyDelta,
  type Cursor,
  type Delta,
  emptyReplica,
  etaOf,
  type JobState,
  type JobTypes,
  type Replica,
  replicaFields,
  stateOf,
} from "@emlinh/progress-protocol";
import type { WatchEvents } from "../job-watch.js";
import { stepsOf } from "../present-events.js";

/** The events that a delta can cause. */
type ReplicaEventName = "reset" | "log" | "step" | "progress";

/** One event for listeners. */
export type ReplicaEvent<Job extends JobTypes, Name extends ReplicaEventName = ReplicaEventName> = {
  readonly [N in Name]: { readonly name: N; readonly value: WatchEvents<Job>[N] };
}[Name];

/** The replica of one job, as it is shown: with a percent that does not fall and an ETA that does not jump. */
export interface ReplicaView<Job extends JobTypes> {
  readonly replica: Readonly<Replica>;
  /** The state at the beginning until the first snapshot; the same object until the next change. */
  readonly job: JobState<Job> | undefined;
  /** The cursor to ask with next. `undefined` asks for the whole state. */
  readonly cursor: Cursor | undefined;
  /** The events that were not delivered yet, in order. The one who delivers them takes them out. */
  readonly events: ReplicaEvent<Job>[];
  /**
   * Advances the replica. A delta of an unknown epoch, or `undefined` for data that are not a delta, changes nothing
   * but the cursor: the next request asks for the whole state.
   *
   * @param now - The server's time, in milliseconds since the epoch.
   */
  apply(delta: Delta | undefined, now: number): Applied;
  /** Derives the ETA again. @param now - As for `apply`. */
  deriveEta(now: number): void;
}

/** The state to show until there are data, and the time of the device. */
export interface InitialState<Job extends JobTypes> {
  readonly job: JobState<Job>;
  readonly now: number;
}

/** Makes a view without data. */
export function replicaView<Job extends JobTypes>(
  jobId: string,
  maxLogLines: number,
  initial?: InitialState<Job>,
): ReplicaView<Job> {
  const replica = emptyReplica();
  const events: ReplicaEvent<Job>[] = [];
  let shown: Shown<Job> | undefined;
  if (initial) {
    const { job, now } = initial;
    shown = withEta(job, { endsAt: endAt(now, job.etaMs), extraMs: 0, now });
  }
  let cursor: Cursor | undefined;

  return {
    replica,
    events,
    get job() {
      return shown?.job;
    },
    get cursor() {
      return cursor;
    },

    apply(delta, now) {
      const { epoch, log } = replica;
      const applied = delta ? applyDelta(replica, delta, maxLogLines) : "unknown-epoch";
      if (applied === "unknown-epoch") cursor = undefined;
      if (applied === "unknown-epoch" || applied === "known") return applied;
      cursor = delta?.cursor;
      // Another epoch is another job by the same id: nothing of the earlier one counts.
      const sameEpoch = epoch === replica.epoch;
      const before = sameEpoch && shown ? later(shown, now, true) : undefined;
      const fields = replicaFields(replica);
      const next = smooth(stateOf<Job>(jobId, fields, now), before, now);
      const { job } = next;
      if (epoch && !sameEpoch) events.push({ name: "reset", value: job });
      const lastN = (sameEpoch && log[log.length - 1]?.n) || 0;
      for (const line of replica.log) if (line.n > lastN) events.push({ name: "log", value: line });
      const stepsBefore = before ? stepsOf(before.job) : [];
      // A reset brings each step again as a new object, so the contents are compared.
      const known = stepsBefore.map((step) => JSON.stringify(step));
      for (const step of stepsOf(job))
        if (!known.includes(JSON.stringify(step))) events.push({ name: "step", value: step });
      events.push({ name: "progress", value: job });
      shown = next;
      return applied;
    },

    deriveEta(now) {
      if (!shown) return;
      const { job } = shown;
      shown = later(shown, now, replica.epoch !== "");
      if (shown.job !== job) events.push({ name: "progress", value: shown.job });
    },
  };
}

/**
 * The state that is shown, and the estimate behind its ETA. Times are milliseconds since the epoch, by the server's
 * clock; `NaN` without an estimate.
 */
interface Shown<Job extends JobTypes> {
  readonly job: JobState<Job>;
  /** The end of the job, as it is estimated (P14). */
  readonly endsAt: number;
  /** How much later than `endsAt` the end is shown, in milliseconds. News set it, and then it falls to 0. */
  readonly extraMs: number;
  /** When it was derived. */
  readonly derivedAt: number;
}

/**
 * The same state at another time.
 *
 * @param isLoaded - Whether data have arrived. Before that only the estimate of the state at the beginning is known.
 */
function later<Job extends JobTypes>(
  { job, endsAt, extraMs, derivedAt }: Shown<Job>,
  now: number,
  isLoaded: boolean,
): Shown<Job> {
  // The server's time may be corrected backwards.
  const passedMs = Math.max(0, now - derivedAt);
  return withEta(job, {
    endsAt: isLoaded ? endAt(now, etaOf(job, now)) : endsAt,
    extraMs: extraMs * Math.exp(-passedMs / ETA_SMOOTHING_MS),
    now,
  });
}

/** In this time the shown ETA takes over two thirds of a change of the estimate. */
const ETA_SMOOTHING_MS = 5000;

/**
 * Within one attempt the shown percent never falls, whatever the writer does (P13), and news do not let the ETA jump.
 *
 * @param before - The state without the news, at the same time.
 */
function smooth<Job extends JobTypes>(
  job: JobState<Job>,
  before: Shown<Job> | undefined,
  now: number,
): Shown<Job> {
  const last = before?.job.attempt === job.attempt ? before : undefined;
  const lastPercent = last?.job.percent ?? 0;
  const percent = lastPercent > (job.percent ?? 0) ? lastPercent : job.percent;
  const endsAt = endAt(now, job.etaMs);
  const isFollowed = last !== undefined && last.job.etaMs !== null;
  const extraMs = isFollowed ? last.endsAt + last.extraMs - endsAt : 0;
  return withEta({ ...job, percent }, { endsAt, extraMs, now });
}

function endAt(now: number, etaMs: number | null): number {
  return now + (etaMs ?? Number.NaN);
}

/** The job with the ETA of a moment: `null` if it has passed, because that is no estimate (P14). */
function withEta<Job extends JobTypes>(
  job: JobState<Job>,
  { endsAt, extraMs, now }: { endsAt: number; extraMs: number; now: number },
): Shown<Job> {
  const leftMs = Math.round(endsAt + extraMs - now);
  const etaMs = leftMs > 0 ? leftMs : null;
  return {
    job: etaMs === job.etaMs ? job : { ...job, etaMs },
    endsAt,
    // The next estimate after none is shown unchanged.
    extraMs: etaMs === null ? 0 : extraMs,
    derivedAt: now,
  };
}
