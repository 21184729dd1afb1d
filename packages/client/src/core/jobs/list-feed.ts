import type { JobTypes, ProgressError } from "@emlinh/progress-protocol";
import { type ConnectionState, closedState, IDLE } from "../connection/connection-state.js";
import type { Feed, FeedReceiver } from "../feed/feed.js";
import type { ListedJobs } from "./listed-jobs.js";
import type { ResolvedWatchJobsOptions } from "./watch-jobs-options.js";

/** The feed of one list. It opens at the first start. */
export interface ListFeed {
  /** The feed's connection, but idle or closed while the list does not use it. */
  readonly connection: ConnectionState;
  /** Whether it waits for the next start. */
  readonly isIdle: boolean;
  /** Uses the feed. @param receiver - Makes the receiver of the feed, if it is not open yet. */
  start(receiver: () => FeedReceiver): void;
  /** Watches the jobs that the list needs now. */
  setTargets(): void;
  /** Does not use the feed until the next start, unless it is closed. */
  leave(): void;
  /** Does not use the feed until it is reset. */
  close(error?: ProgressError): void;
  /** Makes a closed one idle. */
  reset(): void;
  /** Connects at once instead of waiting. */
  check(): void;
  /** Closes the feed for good. */
  stop(): void;
}

/** Makes a feed that is idle. */
export function listFeed<Job extends JobTypes>(
  { watchOptions, subject, limit, openFeed }: ResolvedWatchJobsOptions<Job>,
  list: ListedJobs<Job>,
): ListFeed {
  let feed: Feed | undefined;
  /** A state that differs from the feed's: idle or closed. */
  let own: ConnectionState | undefined = IDLE;

  function setTargets(): void {
    if (own) feed?.setTargets({ jobs: [], subjects: [], limit });
    else feed?.setTargets({ jobs: list.named(), subjects: [subject], limit });
  }

  function disconnect(next: ConnectionState): void {
    if (own?.status === "closed") return;
    own = next;
    setTargets();
  }

  return {
    get connection() {
      return own ?? feed?.connection ?? IDLE;
    },
    get isIdle() {
      return own?.status === "idle";
    },
    start(receiver) {
      own = undefined;
      feed ??= openFeed(watchOptions, receiver());
      setTargets();
      if (feed.connection.status === "closed") feed.refresh();
    },
    setTargets,
    leave: () => disconnect(IDLE),
    close: (error) => disconnect(closedState(feed?.connection ?? IDLE, error)),
    reset() {
      own = IDLE;
    },
    check: () => feed?.refresh(),
    stop: () => feed?.close(),
  };
}
