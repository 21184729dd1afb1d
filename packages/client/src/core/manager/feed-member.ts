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
import { type WatchedJob, type WatchedJobContext, watchedJob } from "../connection/watched-job.js";
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
  context: MemberContext<Job>,
): JobConnection<Job> {
  const { jobId, onChange } = context;
  const { now } = feed;
  const job = watchedJob<Job>(options, { jobId, connection: IDLE, now, onChange });
  const standing: Standing = memberStanding(options, feed, { job, member: () => member });
  const member: FeedMember = memberOf(options, context, { job, standing });

  return {
    get snapshot() {
      return job.snapshot;
    },
    start() {
      if (standing.own?.status !== "idle") return;
      job.view.deriveEta(now());
      standing.join();
    },
    leave() {
      if (standing.own?.status !== "closed") standing.leave(IDLE);
    },
    close(error) {
      if (standing.own?.status !== "closed") standing.close(error);
    },
    check() {
      if (standing.own?.status === "waiting") standing.join();
      else feed.refresh();
    },
    reset() {
      standing.own = IDLE;
      standing.update();
    },
    now,
  };
}

/** Whether a member gets deltas over the feed, or why it does not. */
interface Standing {
  /** A state that differs from the feed's: idle, closed, or waiting after a refusal. */
  own: ConnectionState | undefined;
  isServed: boolean;
  /** Refusals in a row that are retried. */
  refusals: number;
  /** Shows the present state. */
  update(): void;
  join(): void;
  leave(next: ConnectionState): void;
  close(error?: ProgressError): void;
  /** Joins again after a while. */
  retryLater(error: ProgressError): void;
  /** The state of the feed's connection has changed. */
  feedChanged(): void;
}

function memberStanding<Job extends JobTypes>(
  { clock, schedule, random, backoffMs }: ResolvedWatchOptions,
  feed: FeedAccess,
  { job, member }: { readonly job: WatchedJob<Job>; member(): FeedMember },
): Standing {
  let cancelRetry = (): void => {};
  const self: Standing = {
    own: IDLE,
    isServed: false,
    refusals: 0,
    update() {
      const { own, isServed } = self;
      job.update(own ?? (isServed ? feed.connection : beforeData(feed.connection)));
    },
    join() {
      cancelRetry();
      self.own = undefined;
      self.isServed = false;
      feed.join(member());
      self.update();
    },
    leave(next) {
      cancelRetry();
      self.own = next;
      feed.leave(member());
      self.update();
    },
    close: (error) => self.leave(closedState(feed.connection, error)),
    retryLater(error) {
      self.refusals += 1;
      const attempt = self.refusals;
      const delayMs = backoffDelayMs(attempt, backoffMs, 0, random());
      const { transport } = feed.connection;
      self.leave({ status: "waiting", attempt, transport, retryAt: clock() + delayMs, error });
      cancelRetry = schedule(self.join, delayMs);
    },
    feedChanged() {
      const { status, error } = feed.connection;
      if (status === "closed") self.close(error);
      else self.update();
    },
  };
  return self;
}

function memberOf<Job extends JobTypes>(
  { clock }: ResolvedWatchOptions,
  { jobId, expectedUntil }: MemberContext<Job>,
  { job, standing }: { readonly job: WatchedJob<Job>; readonly standing: Standing },
): FeedMember {
  const { view } = job;
  return {
    jobId,
    get cursor() {
      return view.cursor;
    },
    get isServed() {
      return standing.isServed;
    },
    snapshotDelta: () => (view.cursor ? deltaAfter(view.replica) : undefined),
    receive(delta, now) {
      const applied = view.apply(delta, now);
      if (applied !== "unknown-epoch") standing.isServed = true;
      standing.refusals = 0;
      if (view.replica.done) standing.close();
      else standing.update();
      return applied;
    },
    refuse(refused) {
      const isExpected = refused.code === "job-not-found" && clock() < expectedUntil;
      const error = refusalError(refused, isExpected || isTemporary(refused.status));
      if (error.retryable) standing.retryLater(error);
      else standing.close(error);
    },
    serve() {
      standing.isServed = true;
      standing.update();
    },
    serverTime(now) {
      if (view.cursor) view.deriveEta(now);
      standing.update();
    },
    feedChanged: standing.feedChanged,
  };
}

/** The feed may be live already when it asks for a further job. */
function beforeData(connection: ConnectionState): ConnectionState {
  const isOpen = connection.status === "live" || connection.status === "suspect";
  return isOpen ? { ...connection, status: "connecting" } : connection;
}
