import type { JobTypes, ProgressError } from "@emlinh/progress-protocol";
import { serverClock } from "../connection/server-clock.js";
import type { FeedReceiver } from "../feed/feed.js";
import { refusalError } from "../refusal-error.js";
import type { JobsSnapshot } from "./jobs-watch.js";
import { type ListFeed, listFeed } from "./list-feed.js";
import { type ListedJobs, listedJobs } from "./listed-jobs.js";
import { type ShownList, shownList } from "./shown-list.js";
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
  const { watchOptions, subject, initial } = options;
  const { clock, schedule, maxLogLines } = watchOptions;
  const { set: setTime, now } = serverClock(clock);
  const list = listedJobs<Job>({ maxLogLines, initial, now: clock() });
  const feed = listFeed(options, list);
  const connection = () => feed.connection;
  const isLoaded = initial !== undefined;
  const shown = shownList(list, { schedule, isLoaded, connection, now, onChange });
  const self: ListConnection<Job> = {
    get snapshot() {
      return shown.snapshot;
    },
    list,
    isLoading: false,
    start() {
      if (!feed.isIdle) return;
      feed.start(() => listReceiver(self, { subject, feed, shown, setTime }));
      list.deriveEtas(now());
      shown.publish();
    },
    leave() {
      feed.leave();
      shown.publish();
    },
    stop(error) {
      feed.close(error);
      shown.publish();
      feed.stop();
    },
    reset() {
      feed.reset();
      shown.publish();
    },
    check: feed.check,
    changed() {
      feed.setTargets();
      shown.publishSoon();
    },
    now,
  };
  return self;
}

/** The parts of a list that the data of its feed change. */
interface ListParts<Job extends JobTypes> {
  readonly subject: string;
  readonly feed: ListFeed;
  readonly shown: ShownList<Job>;
  setTime(now: number): void;
}

function listReceiver<Job extends JobTypes>(
  connection: Pick<ListConnection<Job>, "list" | "isLoading" | "changed">,
  { subject, feed, shown, setTime }: ListParts<Job>,
): FeedReceiver {
  const { list, changed } = connection;

  function close(error?: ProgressError): void {
    feed.close(error);
    shown.publish();
  }

  return {
    cursorOf: list.cursorOf,
    listOf: (name) => (name === subject ? list.listed : undefined),
    receive(delta, now) {
      const applied = list.receive(delta, now);
      if (delta.delta.done) feed.setTargets();
      shown.publishSoon();
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
      shown.publishSoon();
    },
    ready() {
      if (list.listed) shown.isLoaded = true;
      shown.publish();
    },
    connection(state) {
      if (state.status === "closed") close(state.error);
      else shown.publish();
    },
  };
}
