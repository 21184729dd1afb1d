import {
  type Applied,
  applyDelta,
  type Cursor,
  type Delta,
  emptyReplica,
  type JobState,
  type JobTypes,
  type Replica,
  replicaFields,
  stateOf,
} from "@emlinh/progress-protocol";
import type { WatchEvents } from "./job-watch.js";

/** The events that a delta can cause. */
type ReplicaEventName = "reset" | "log" | "step" | "progress";

/** One event for listeners. */
export type ReplicaEvent<Job extends JobTypes, Name extends ReplicaEventName = ReplicaEventName> = {
  readonly [N in Name]: { readonly name: N; readonly value: WatchEvents<Job>[N] };
}[Name];

/** The replica of one job, as it is shown: with a percent that does not fall and a smoothed ETA. */
export interface ReplicaView<Job extends JobTypes> {
  readonly replica: Readonly<Replica>;
  /** `undefined` until the first snapshot; the same object until the next change. */
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
}

/** Makes a view without data. */
export function replicaView<Job extends JobTypes>(
  jobId: string,
  maxLogLines: number,
): ReplicaView<Job> {
  const replica = emptyReplica();
  const events: ReplicaEvent<Job>[] = [];
  let shown: Shown<Job> | undefined;
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
      const before = sameEpoch ? shown : undefined;
      const next = smooth(stateOf<Job>(jobId, replicaFields(replica), now), before, now);
      const { job } = next;
      if (shown && !sameEpoch) events.push({ name: "reset", value: job });
      const lastN = (sameEpoch && log.at(-1)?.n) || 0;
      for (const line of replica.log) if (line.n > lastN) events.push({ name: "log", value: line });
      for (const id of Object.keys(job.steps) as Job["step"][]) {
        const step = job.steps[id];
        // A reset brings each step again as a new object, so the contents are compared.
        if (step && JSON.stringify(step) !== JSON.stringify(before?.job.steps[id]))
          events.push({ name: "step", value: { ...step, id } });
      }
      events.push({ name: "progress", value: job });
      shown = next;
      return applied;
    },
  };
}

/** The state that is shown, and the estimate behind its ETA. */
interface Shown<Job extends JobTypes> {
  readonly job: JobState<Job>;
  /** When the job will be finished, by the server's clock. Absent without an estimate. */
  readonly finishAt?: number;
}

/** In this time the shown ETA takes over two thirds of a change of the estimate. */
const ETA_SMOOTHING_MS = 5000;

/** Within one attempt the shown percent never falls, whatever the writer does (P13), and the ETA does not jump. */
function smooth<Job extends JobTypes>(
  job: JobState<Job>,
  before: Shown<Job> | undefined,
  now: number,
): Shown<Job> {
  const last = before?.job.attempt === job.attempt ? before : undefined;
  const lastPercent = last?.job.percent ?? 0;
  const percent = lastPercent > (job.percent ?? 0) ? lastPercent : job.percent;
  if (job.etaMs === null || job.stale) return { job: { ...job, percent, etaMs: null } };
  let finishAt = now + job.etaMs;
  if (last?.finishAt !== undefined) {
    const weight = 1 - Math.exp((last.job.updatedAt - job.updatedAt) / ETA_SMOOTHING_MS);
    finishAt = last.finishAt + (finishAt - last.finishAt) * weight;
  }
  return { job: { ...job, percent, etaMs: Math.max(0, Math.round(finishAt - now)) }, finishAt };
}
