import {
  type Applied,
  type Cursor,
  type Delta,
  deltaAfter,
  type JobTypes,
  type ProgressError,
  type Refused,
} from "@emlinh/progress-protocol";
import { backoffDelayMs } from "../../machine/backoff.js";
import { isTemporary } from "../../transports/failure.js";
import type { JobConnection } from "../connection/connection.js";
import { type ConnectionState, closedState, IDLE } from "../connection/connection-state.js";
import { type WatchedJobContext, watchedJob } from "../connection/watched-job.js";
import type { ResolvedWatchOptions } from "../options.js";
import { refusalError } from "../refusal-error.js";

/** A watch that gets its deltas over the feed of its manager. */
export interface FeedMember {
  readonly jobId: string;
  readonly cursor: Cursor | undefined;
  /** Whether everything that the server had when the member joined has arrived. */
  readonly isServed: boolean;
  /** The whole state of the job; `undefined` without data. */
  snapshotDelta(): Delta | undefined;
  receive(delta: Delta, now: number): Applied;
  refuse(refused: Refused): void;
  serve(): void;
  serverTime(now: number): void;
  /** The state of the feed's connection has changed. */
  feedChanged(): void;
}

/** The feed of a manager, as its members see it. */
export interface FeedAccess {
  readonly connection: ConnectionState;
  readonly now: () => number;
  /** Makes the job a target. */
  join(member: FeedMember): void;
  leave(member: FeedMember): void;
  /** Checks the connection at once. */
  refresh(): void;
}

/** The surroundings of a member. */
export interface MemberContext<Job extends JobTypes>
  extends Pick<WatchedJobContext<Job>, "jobId" | "onChange"> {
  /**
   * Until then a refusal with `job-not-found` is a failure to retry: the app's route has just answered with this id,
   * and may store the job a moment later. Milliseconds since the epoch, by this device's clock.
   */
  readonly expectedUntil: number;
}

/** Makes the connection of one job over a feed. It is idle. */
export function feedMember<Job extends JobTypes>(
  options: ResolvedWatchOptions,
  feed: FeedAccess,
  { jobId, expectedUntil, onChange }: MemberContext<Job>,
): JobConnection<Job> {
  const { clock, schedule, random, backoffMs } = options;
  const { now } = feed;
  const job = watchedJob<Job>(options, { jobId, connection: IDLE, now, onChange });
  const { view } = job;
  /** A state that differs from the feed's: idle, closed, or waiting after a refusal. */
  let own: ConnectionState | undefined = IDLE;
  let isServed = false;
  let attempt = 0;
  let cancelRetry = (): void => {};

  function update(): void {
    job.update(own ?? (isServed ? feed.connection : beforeData(feed.connection)));
  }

  function join(): void {
    own = undefined;
    isServed = false;
    feed.join(member);
    update();
  }

  function leave(next: ConnectionState): void {
    cancelRetry();
    own = next;
    feed.leave(member);
    update();
  }

  const closed = (error?: ProgressError): ConnectionState => closedState(feed.connection, error);

  function retryLater(error: ProgressError): void {
    attempt += 1;
    const delayMs = backoffDelayMs(attempt, backoffMs, 0, random());
    const { transport } = feed.connection;
    leave({ status: "waiting", attempt, transport, retryAt: clock() + delayMs, error });
    cancelRetry = schedule(join, delayMs);
  }

  const member: FeedMember = {
    jobId,
    get cursor() {
      return view.cursor;
    },
    get isServed() {
      return isServed;
    },
    snapshotDelta: () => (view.cursor ? deltaAfter(view.replica) : undefined),
    receive(delta, now) {
      const applied = view.apply(delta, now);
      if (applied !== "unknown-epoch") isServed = true;
      attempt = 0;
      if (view.replica.done) leave(closed());
      else update();
      return applied;
    },
    refuse(refused) {
      const isExpected = refused.code === "job-not-found" && clock() < expectedUntil;
      const error = refusalError(refused, isExpected || isTemporary(refused.status));
      if (error.retryable) retryLater(error);
      else leave(closed(error));
    },
    serve() {
      isServed = true;
      update();
    },
    serverTime(now) {
      if (view.cursor) view.deriveEta(now);
      update();
    },
    feedChanged() {
      if (feed.connection.status === "closed") leave(closed(feed.connection.error));
      else update();
    },
  };

  return {
    get snapshot() {
      return job.snapshot;
    },
    start() {
      if (own?.status !== "idle") return;
      view.deriveEta(now());
      join();
    },
    leave() {
      if (own?.status !== "closed") leave(IDLE);
    },
    close(error) {
      if (own?.status !== "closed") leave(closed(error));
    },
    check() {
      if (own?.status !== "waiting") feed.refresh();
      else {
        cancelRetry();
        join();
      }
    },
    reset() {
      own = IDLE;
      update();
    },
    now,
  };
}

/** The feed may be live already when it asks for a further job. */
function beforeData(connection: ConnectionState): ConnectionState {
  const isOpen = connection.status === "live" || connection.status === "suspect";
  return isOpen ? { ...connection, status: "connecting" } : connection;
}
