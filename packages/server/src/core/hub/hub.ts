import { type Cursor, ProgressError, parseCursor } from "@emlinh/progress-protocol";
import { asProgressError, clientGone, closedError, draining } from "../../shared/errors.js";
import { elapsed } from "../../shared/time.js";
import type { DisconnectTarget } from "../disconnect-target.js";
import type { DrainTimes } from "../drain-times.js";
import type { GuardedStore } from "../guarded-store.js";
import type { ProgressMetrics } from "../metrics.js";
import type { Settings } from "../options.js";
import { isGone, type RequestClient } from "../request-client.js";
import { type HubClock, hubClock } from "./hub-clock.js";
import { type PendingRequests, pendingRequests } from "./pending-requests.js";
import { createReaders, type Reader, type Readers } from "./readers.js";
import { type StreamLimiter, streamLimiter } from "./stream-limiter.js";
import { createTopic, type Topic } from "./topic.js";

/** Keeps a topic open for one listener. */
export interface TopicHandle {
  readonly topic: Topic;
  /** Lets the topic go. It closes after its last handle. Idempotent. */
  leave(this: TopicHandle): void;
}

/** How a topic is joined. */
interface JoinOptions {
  /** The reader's cursor. A replica that is behind it is read again first: the reader may come from another process. */
  readonly cursor?: Cursor | undefined;
  /** The client that a slot of the stream limiter is taken for. A watch by the server's own code has none. */
  readonly client?: RequestClient | undefined;
  /** Who reads, if the app said so. The slot counts for it, too. */
  readonly principal?: string | undefined;
}

/** Figures of this process that are not counted, but looked up. */
type HubFigures = Pick<ProgressMetrics, "slots" | "watchedJobs">;

/** The topics of this process and all their readers. */
export interface Hub {
  /**
   * Joins a job's topic. The first handle opens it.
   *
   * @throws ProgressError `too-many-streams`, `draining`, `closed` (also if the client left), `job-not-found`, or as
   * the store does.
   */
  join(jobId: string, options: JoinOptions): Promise<TopicHandle>;
  /**
   * Waits for something else that a request needs. Rejects as soon as the client leaves or the server begins to drain.
   *
   * @throws ProgressError `draining`, `closed` if the client left, or as the promise does.
   */
  wait<Result>(promise: Promise<Result>, client: RequestClient): Promise<Result>;
  add(reader: Reader): void;
  remove(reader: Reader): void;
  /**
   * Sends the readers of a job, of a principal, or of both away at once (P58). Requests that wait are not in reach:
   * see `revocations`.
   *
   * @returns their number.
   */
  disconnect(target: DisconnectTarget): number;
  /**
   * The number of calls of `disconnect` so far. A permission from before the last one must be asked for again before a
   * reader is added.
   */
  revocations(): number;
  isDraining(): boolean;
  isClosed(): boolean;
  /**
   * Refuses the requests that wait, and sends every reader away within `spreadMs`. Resolves when every slot was given
   * back, or after `timeoutMs`.
   */
  drain(times: DrainTimes): Promise<void>;
  /** Sends every reader away at once, and ends every watch. */
  close(): void;
  /** The store's time, in milliseconds since the epoch: all times of a job come from that clock. */
  now(): number;
  figures(): HubFigures;
}

interface HubState {
  readonly store: GuardedStore;
  readonly settings: Settings;
  readonly topics: Map<string, SharedTopic>;
  readonly readers: Readers;
  readonly limiter: StreamLimiter;
  readonly pending: PendingRequests;
  readonly clock: HubClock;
  revocations: number;
  isDraining: boolean;
  isClosed: boolean;
}

/** A topic and the number of its handles. */
interface SharedTopic {
  readonly topic: Topic;
  handles: number;
}

/** Makes an empty hub. */
export function createHub(store: GuardedStore, settings: Settings): Hub {
  const hub: HubState = {
    store,
    settings,
    topics: new Map(),
    readers: createReaders((error) => report(hub, error)),
    limiter: streamLimiter(settings),
    pending: pendingRequests(),
    clock: hubClock(settings.tickMs, (now) => tick(hub, now)),
    revocations: 0,
    isDraining: false,
    isClosed: false,
  };
  return {
    join: (jobId, options) => join(hub, jobId, options),
    wait: (promise, client) => hub.pending.until(promise, client.signal),
    add(reader) {
      hub.readers.add(reader);
      hub.clock.start();
      if (hub.isDraining) reader.leaveBy(elapsed());
    },
    remove: (reader) => hub.readers.remove(reader),
    disconnect({ jobId, principal }) {
      hub.revocations += 1;
      return hub.readers.revoke(
        (reader) =>
          (jobId === undefined || reader.jobId === jobId) &&
          (principal === undefined || reader.principal === principal),
      );
    },
    revocations: () => hub.revocations,
    isDraining: () => hub.isDraining,
    isClosed: () => hub.isClosed,
    drain(times) {
      startDraining(hub, times.spreadMs);
      return whenDrained(hub, times.timeoutMs);
    },
    close() {
      hub.isClosed = true;
      for (const { topic } of [...hub.topics.values()]) topic.close();
      startDraining(hub, 0);
    },
    now: () => hub.store.now(),
    figures: () => ({ slots: hub.limiter.count(), watchedJobs: hub.topics.size }),
  };
}

function tick(hub: HubState, now: number): boolean {
  const { topics, readers } = hub;
  for (const { topic } of topics.values()) {
    try {
      topic.tick(now);
    } catch (error) {
      report(hub, error);
    }
  }
  readers.tick(now);
  return topics.size > 0 || !readers.isEmpty();
}

function report({ settings }: HubState, error: unknown): void {
  settings.onError(asProgressError(error, "A topic or a stream of the hub failed."));
}

async function join(
  hub: HubState,
  jobId: string,
  { cursor, client, principal }: JoinOptions,
): Promise<TopicHandle> {
  if (hub.isClosed) throw closedError("This progress");
  if (client && hub.isDraining) throw draining();
  const giveSlotBack = client && hub.limiter.take(jobId, client.connection, principal);
  const isKnown = hub.topics.has(jobId);
  const shared = openTopic(hub, jobId);
  const { topic } = shared;
  const handle: Handle = { topic, shared, giveSlotBack, isLeft: false, leave: leaveTopic };
  const until = <Result>(promise: Promise<Result>): Promise<Result> =>
    client ? hub.pending.until(promise, client.signal) : promise;
  try {
    if (!topic.isOpen()) await until(topic.opened);
    if (isKnown && (topic.isBehind() || !holds(topic, cursor))) await until(topic.refresh());
    if (client) {
      // Readers that are here already are kept waiting. A new one had better try another process.
      if (topic.isLost()) throw storeLost(jobId);
      if (hub.isDraining) throw draining();
      if (isGone(client)) throw clientGone();
    }
    return handle;
  } catch (error) {
    handle.leave();
    throw error;
  }
}

/** All handles share one function: there is a handle per stream. */
interface Handle extends TopicHandle {
  readonly shared: SharedTopic;
  readonly giveSlotBack: (() => void) | undefined;
  isLeft: boolean;
}

function leaveTopic(this: Handle): void {
  if (this.isLeft) return;
  this.isLeft = true;
  this.shared.handles -= 1;
  if (this.shared.handles === 0) this.topic.close();
  this.giveSlotBack?.();
}

function openTopic(hub: HubState, jobId: string): SharedTopic {
  const shared = hub.topics.get(jobId) ?? addTopic(hub, jobId);
  shared.handles += 1;
  return shared;
}

function addTopic(hub: HubState, jobId: string): SharedTopic {
  const { topics, store, settings, clock } = hub;
  const context = {
    store,
    settings,
    onClosed() {
      // A topic that was closed may have a successor by now.
      if (topics.get(jobId) === shared) topics.delete(jobId);
    },
  };
  const shared: SharedTopic = { topic: createTopic(jobId, context), handles: 0 };
  topics.set(jobId, shared);
  clock.start();
  return shared;
}

function startDraining(hub: HubState, spreadMs: number): void {
  const { readers, pending, clock, settings } = hub;
  hub.isDraining = true;
  pending.endAll(draining());
  const now = elapsed();
  readers.leaveBy(() => now + settings.random() * spreadMs);
  // Readers that are sent away at one tick come back together, so the ticks are closer while draining.
  clock.speedUp(Math.max(10, Math.min(50, settings.tickMs, spreadMs / 100)));
}

/** Resolves once no slot is taken. After the time limit it ends what is left, whether or not an adapter answers. */
function whenDrained(hub: HubState, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Someone waits for the drain, so these timers keep the process alive, unlike the hub's other ones.
    const timer = setTimeout(() => {
      hub.readers.destroyAll();
      hub.pending.endAll(draining());
      setTimeout(resolve, 0);
    }, timeoutMs);
    void hub.limiter.whenNone().then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Whether a topic's replica is not behind a reader's cursor. A cursor of another epoch may be of a later one. */
function holds(topic: Topic, cursor: Cursor | undefined): boolean {
  const parts = parseCursor(cursor);
  if (parts === undefined) return true;
  const { epoch, version } = topic.replica;
  return parts.epoch === epoch && parts.version <= version;
}

function storeLost(jobId: string): ProgressError {
  return new ProgressError("store-unavailable", {
    message: `The job "${jobId}" could not be read for some time. Check that the store's database can be reached.`,
    retryable: true,
    status: 503,
    details: { jobId },
  });
}
