import type { Applied, Cursor, JobDelta, Listed, Refused } from "@emlinh/progress-protocol";
import type { ConnectionState } from "../connection/connection-state.js";
import type { ResolvedWatchOptions } from "../options.js";

/** The jobs and lists that are watched over one connection. */
export interface FeedTargets {
  /** Ids of jobs that are watched by name. */
  readonly jobs: readonly string[];
  /** Subjects whose lists are watched. */
  readonly subjects: readonly string[];
  /** The jobs of each list, 1 to 100. */
  readonly limit: number;
}

/** Receives what a feed brings, and knows from where it goes on. */
export interface FeedReceiver {
  /** The cursor to ask with next. `undefined` asks for the whole state. */
  cursorOf(jobId: string): Cursor | undefined;
  /** The list of a subject that the receiver has. */
  listOf(subject: string): Listed | undefined;
  /**
   * Takes a delta. A job that is neither a target nor in a list is ignored, as if its delta were `known`.
   *
   * @param now - The server's time, in milliseconds since the epoch.
   */
  receive(delta: JobDelta, now: number): Applied;
  /** Takes a list, which replaces the earlier one of its subject. */
  listed(listed: Listed): void;
  /** Takes a refusal of one job or subject. The others go on. */
  refused(refused: Refused): void;
  /** The server has told its time, in milliseconds since the epoch. */
  serverTime(now: number): void;
  /** Everything that the targets ask for has arrived. Called at least once after each change of the targets. */
  ready(): void;
  /** The state of the connection has changed. */
  connection(state: ConnectionState): void;
}

/** One connection for many jobs and lists. */
export interface Feed {
  readonly connection: ConnectionState;
  /**
   * Replaces the targets. Calls of one task open one connection, in a microtask after them. The present connection is
   * closed when the new one has brought everything. Without targets it closes, and the feed is idle.
   */
  setTargets(targets: FeedTargets): void;
  /** Checks the connection at once, as `refresh()` of a watch does. A closed one starts again. */
  refresh(): void;
  /** Closes for good. Idempotent. */
  close(): void;
}

/** Opens a feed that has no targets yet. */
export type OpenFeed = (options: ResolvedWatchOptions, receiver: FeedReceiver) => Feed;

/**
 * Shares one connection among several pages, such as the tabs of a browser. `@emlinh/progress-client/tabs` makes one.
 */
export interface FeedSharing {
  /**
   * Opens a feed that is shared with the other pages.
   *
   * @param direct - Opens the connection itself, in the page that has it for all.
   * @internal
   */
  open(direct: OpenFeed, options: ResolvedWatchOptions, receiver: FeedReceiver): Feed;
}
