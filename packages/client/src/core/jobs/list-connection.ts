import { type JobTypes, type ProgressError, summaryOf } from "@emlinh/progress-protocol";
import {
  type ConnectionState,
  closedState,
  IDLE,
  isSameState,
} from "../connection/connection-state.js";
import { countdown } from "../connection/countdown.js";
import { serverClock } from "../connection/server-clock.js";
import type { Feed, FeedReceiver } from "../feed/feed.js";
import { oncePerTurn } from "../once-per-turn.js";
import { refusalError } from "../refusal-error.js";
import type { JobsSnapshot } from "./jobs-watch.js";
import { type ListedJobs, listedJobs } from "./listed-jobs.js";
import type { ResolvedWatchJobsOptions } from "./watch-jobs-options.js";

/** A list with its feed. */
export interface ListConnection<Job extends JobTypes> {
  /** The same object until something changes. */
  readonly snapshot: JobsSnapshot<Job>;
  readonly list: ListedJobs<Job>;
  /** Whether a page is being loaded: then jobs that newer ones push out of the list stay. */
  isLoading: boolean;
  /** Connects, if it is idle. */
  start(): void;
  /** Disconnects until the next start, unless it is closed. */
  leave(): void;
  /** Closes for good, with its feed. */
  stop(error: ProgressError): void;
  /** Makes a closed connection idle. It keeps its data. */
  reset(): void;
  /** Connects at once instead of waiting. */
  check(): void;
  /** Shows a change of the list, and watches other jobs if they need it. */
  changed(): void;
  /** The server's time, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Makes a list that is idle. @param onChange - Called after each change of the snapshot. */
export function listConnection<Job extends JobTypes>(
  options: ResolvedWatchJobsOptions<Job>,
  onChange: (snapshot: JobsSnapshot<Job>) => void,
): ListConnection<Job> {
  const { watchOptions, subject, limit, openFeed, initial } = options;
  const { clock, maxLogLines } = watchOptions;
  const { set, now } = serverClock(clock);
  const list = listedJobs<Job>({ maxLogLines, initial, now: clock() });
  let feed: Feed | undefined;
  /** A state that differs from the feed's: idle or closed. */
  let own: ConnectionState | undefined = IDLE;
  const shown = shownList(list, { options, now, onChange });
  const publish = (): void => shown.publish(own ?? feed?.connection ?? IDLE);
  const publishSoon = oncePerTurn(publish);

  function setTargets(): void {
    if (own) feed?.setTargets({ jobs: [], subjects: [], limit });
    else feed?.setTargets({ jobs: list.named(), subjects: [subject], limit });
  }

  function changed(): void {
    setTargets();
    publishSoon();
  }

  function leave(next: ConnectionState): void {
    own = next;
    setTargets();
    publish();
  }

  function close(error?: ProgressError): void {
    if (own?.status !== "closed") leave(closedState(feed?.connection ?? IDLE, error));
  }

  const self: ListConnection<Job> = {
    get snapshot() {
      return shown.snapshot;
    },
    list,
    isLoading: false,
    start() {
      if (own?.status !== "idle") return;
      own = undefined;
      const actions = { close, changed, setTargets, publish, publishSoon, setTime: set };
      feed ??= openFeed(watchOptions, listReceiver(self, shown, { subject, ...actions }));
      setTargets();
      if (feed.connection.status === "closed") feed.refresh();
      list.deriveEtas(now());
      publish();
    },
    leave() {
      if (own?.status !== "closed") leave(IDLE);
    },
    stop(error) {
      close(error);
      feed?.close();
    },
    reset() {
      own = IDLE;
      publish();
    },
    check: () => feed?.refresh(),
    changed,
    now,
  };
  return self;
}

/** The actions that the data of a feed lead to. */
interface ListActions {
  readonly subject: string;
  close(error?: ProgressError): void;
  changed(): void;
  setTargets(): void;
  publish(): void;
  publishSoon(): void;
  setTime(now: number): void;
}

function listReceiver<Job extends JobTypes>(
  connection: Pick<ListConnection<Job>, "list" | "isLoading">,
  shown: ShownList<Job>,
  { subject, close, changed, setTargets, publish, publishSoon, setTime }: ListActions,
): FeedReceiver {
  const { list } = connection;
  return {
    cursorOf: list.cursorOf,
    listOf: (name) => (name === subject ? list.listed : undefined),
    receive(delta, now) {
      const applied = list.receive(delta, now);
      if (delta.delta.done) setTargets();
      publishSoon();
      return applied;
    },
    listed(listed) {
      if (listed.subject !== subject) return;
      list.replace(listed, connection.isLoading || list.window.older.length > 0);
      changed();
    },
    refused(refused) {
      if (refused.subject === subject) close(refusalError(refused, false));
      if (refused.job === undefined) return;
      list.remove(new Set([refused.job]));
      changed();
    },
    serverTime(now) {
      setTime(now);
      list.deriveEtas(now);
      publishSoon();
    },
    ready() {
      if (list.listed) shown.isLoaded = true;
      publish();
    },
    connection(state) {
      if (state.status === "closed") close(state.error);
      else publish();
    },
  };
}

/** A list as it is shown. Its ETAs count down while it is connected. */
interface ShownList<Job extends JobTypes> {
  readonly snapshot: JobsSnapshot<Job>;
  isLoaded: boolean;
  /** Makes the snapshot of the present list and a state of the connection. */
  publish(connection: ConnectionState): void;
}

function shownList<Job extends JobTypes>(
  list: ListedJobs<Job>,
  {
    options,
    now,
    onChange,
  }: {
    readonly options: ResolvedWatchJobsOptions<Job>;
    now(): number;
    onChange(snapshot: JobsSnapshot<Job>): void;
  },
): ShownList<Job> {
  const isLoaded = options.initial !== undefined;
  let snapshot = snapshotOf(list, { isLoaded, connection: IDLE });
  const countEtasDown = countdown(options.watchOptions.schedule, () => {
    list.deriveEtas(now());
    self.publish(snapshot.connection);
  });
  const self: ShownList<Job> = {
    get snapshot() {
      return snapshot;
    },
    isLoaded,
    publish(connection) {
      const next = snapshotOf(list, { isLoaded: self.isLoaded, connection }, snapshot);
      const isConnected = connection.status !== "idle" && connection.status !== "closed";
      countEtasDown(isConnected && next.jobs.some(({ etaMs }) => etaMs !== null));
      if (next === snapshot) return;
      snapshot = next;
      onChange(snapshot);
    },
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
