import type { JobState, JobTypes } from "@emlinh/progress-protocol";
import type { WatchSnapshot } from "../job-watch.js";
import type { ResolvedWatchOptions } from "../options.js";
import { type ConnectionState, isSameState } from "./connection-state.js";
import { countdown } from "./countdown.js";
import {
  type InitialState,
  type ReplicaEvent,
  type ReplicaView,
  replicaView,
} from "./replica-view.js";

/** A replica with its snapshot, whichever connection brings the deltas. */
export interface WatchedJob<Job extends JobTypes> {
  readonly view: ReplicaView<Job>;
  /** The same object until something changes. */
  readonly snapshot: WatchSnapshot<Job>;
  /** Makes the snapshot of the present replica and a state of the connection, and delivers the events. */
  update(connection: ConnectionState): void;
}

/** The surroundings of a watched job. */
export interface WatchedJobContext<Job extends JobTypes> {
  readonly jobId: string;
  /** The state of the connection at the beginning. */
  readonly connection: ConnectionState;
  /** The server's time, in milliseconds since the epoch. */
  now(): number;
  /**
   * Called after each change of the snapshot.
   *
   * @param events - The events of the job; none if only the connection changed.
   * @param connectionChanged - Whether the state of the connection changed.
   */
  onChange(events: readonly ReplicaEvent<Job>[], connectionChanged: boolean): void;
}

/** Makes a watched job without data, or with those of `initial`. Its ETA counts down while it is connected. */
export function watchedJob<Job extends JobTypes>(
  options: ResolvedWatchOptions,
  { jobId, connection, now, onChange }: WatchedJobContext<Job>,
): WatchedJob<Job> {
  const view = replicaView<Job>(jobId, options.maxLogLines, initialState(options, jobId));
  let snapshot: WatchSnapshot<Job> = { job: view.job, log: [], connection };
  const countEtaDown = countdown(options.schedule, () => {
    view.deriveEta(now());
    update(snapshot.connection);
  });

  function update(next: ConnectionState): void {
    const isConnected = next.status !== "idle" && next.status !== "closed";
    countEtaDown(isConnected && typeof view.job?.etaMs === "number");
    const events = view.events.splice(0);
    const connectionChanged = !isSameState(next, snapshot.connection);
    if (!connectionChanged && events.length === 0) return;
    const connection = connectionChanged ? next : snapshot.connection;
    snapshot = { job: view.job, log: view.replica.log, connection };
    onChange(events, connectionChanged);
  }

  return {
    view,
    get snapshot() {
      return snapshot;
    },
    update,
  };
}

function initialState<Job extends JobTypes>(
  { initial, clock }: ResolvedWatchOptions,
  jobId: string,
): InitialState<Job> | undefined {
  const job = initial as JobState<Job> | undefined;
  return job?.id === jobId ? { job, now: clock() } : undefined;
}
