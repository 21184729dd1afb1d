import { type JobTypes, summaryOf } from "@emlinh/progress-protocol";
import { type ConnectionState, isSameState } from "../connection/connection-state.js";
import { countdown } from "../connection/countdown.js";
import { oncePerTurn } from "../once-per-turn.js";
import type { ResolvedWatchOptions } from "../options.js";
import type { JobsSnapshot } from "./jobs-watch.js";
import type { ListedJobs } from "./listed-jobs.js";

/** A list as it is shown. Its ETAs count down while it is connected. */
export interface ShownList<Job extends JobTypes> {
  /** The same object until something changes. */
  readonly snapshot: JobsSnapshot<Job>;
  isLoaded: boolean;
  /** Makes the snapshot of the present list and connection. */
  publish(): void;
  /** Publishes once for all calls of a task, in a microtask after them. */
  publishSoon(): void;
}

/** The surroundings of a shown list. */
export interface ShownListContext<Job extends JobTypes> {
  readonly schedule: ResolvedWatchOptions["schedule"];
  readonly isLoaded: boolean;
  connection(): ConnectionState;
  /** The server's time, in milliseconds since the epoch. */
  now(): number;
  onChange(snapshot: JobsSnapshot<Job>): void;
}

/** Shows a list as it is at first, without a call of `onChange`. */
export function shownList<Job extends JobTypes>(
  list: ListedJobs<Job>,
  { schedule, isLoaded, connection, now, onChange }: ShownListContext<Job>,
): ShownList<Job> {
  let snapshot = snapshotOf(list, { isLoaded, connection: connection() });
  const countEtasDown = countdown(schedule, () => {
    list.deriveEtas(now());
    self.publish();
  });
  const self: ShownList<Job> = {
    get snapshot() {
      return snapshot;
    },
    isLoaded,
    publish() {
      const state = connection();
      const next = snapshotOf(list, { isLoaded: self.isLoaded, connection: state }, snapshot);
      const isConnected = state.status !== "idle" && state.status !== "closed";
      countEtasDown(isConnected && next.jobs.some(({ etaMs }) => etaMs !== null));
      if (next === snapshot) return;
      snapshot = next;
      onChange(snapshot);
    },
    publishSoon: oncePerTurn(() => self.publish()),
  };
  return self;
}

/** The snapshot of a list: the one before if nothing has changed. */
function snapshotOf<Job extends JobTypes>(
  list: ListedJobs<Job>,
  { isLoaded, connection }: Pick<JobsSnapshot<Job>, "isLoaded" | "connection">,
  before?: JobsSnapshot<Job>,
): JobsSnapshot<Job> {
  const states = list.states();
  const hasMore = list.window.next !== null;
  const isSameList =
    states.length === before?.jobs.length &&
    states.every((job, index) => job === before.jobs[index]);
  const jobs = isSameList ? before.jobs : states;
  const isSame =
    isSameList &&
    isSameState(before.connection, connection) &&
    before.isLoaded === isLoaded &&
    before.hasMore === hasMore;
  if (isSame) return before;
  const summary = isSameList ? before.summary : summaryOf(jobs);
  return { jobs, summary, isLoaded, hasMore, connection };
}
