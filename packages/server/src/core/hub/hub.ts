import { type Cursor, heartbeatFrame } from "@emlinh/progress-protocol";
import type { DrainTimes } from "../../shared/drain-times.js";
import { asProgressError, draining } from "../../shared/errors.js";
import { elapsed } from "../../shared/time.js";
import type { DisconnectTarget } from "../disconnect-target.js";
import { type Frame, frameOf } from "../frame.js";
import type { GuardedStore } from "../guarded-store.js";
import type { ProgressMetrics } from "../metrics.js";
import type { Settings } from "../options.js";
import type { RequestClient } from "../request-client.js";
import { catchUp } from "./catch-up.js";
import { type HubClock, hubClock } from "./hub-clock.js";
import {
  type JoinContext,
  type JoinListOptions,
  type JoinOptions,
  join,
  joinList,
  type ListHandle,
  type TopicHandle,
  takeSlot,
} from "./join.js";
import { createListTopic, type ListTopic } from "./list-topic.js";
import { pendingRequests } from "./pending-requests.js";
import { createReaders, type Reader, type Readers } from "./readers.js";
import { sharedTopics } from "./shared-topics.js";
import { streamLimiter } from "./stream-limiter.js";
import { createTopic, type Topic } from "./topic.js";

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
   * Joins the list of a subject, with the topics of its jobs. Those with the same limit share one topic.
   *
   * @throws ProgressError `draining`, `closed`, `store-unavailable`
   */
  joinList(options: JoinListOptions): Promise<ListHandle>;
  /**
   * Takes one slot for a request for many jobs.
   *
   * @returns a function that gives it back. Call it once.
   * @throws ProgressError `too-many-streams`, `draining`, `closed`
   */
  takeSlot(client: RequestClient, principals: readonly string[]): () => void;
  /**
   * Reads a topic again if it may be behind a reader's cursor: the reader may come from another process.
   *
   * @throws ProgressError `store-unavailable` if it is behind, and can't be read.
   */
  catchUp(topic: Topic, cursor: Cursor | undefined): Promise<void>;
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
  /** The bytes of a heartbeat for streams of many jobs that may be sent now. */
  heartbeat(): Frame;
  figures(): HubFigures;
}

interface HubState extends JoinContext {
  readonly store: GuardedStore;
  readonly settings: Settings;
  readonly readers: Readers;
  readonly clock: HubClock;
  heartbeat: { readonly now: number; readonly frame: Frame } | undefined;
  revocations: number;
  isDraining: boolean;
  isClosed: boolean;
}

/** Makes an empty hub. */
export function createHub(store: GuardedStore, settings: Settings): Hub {
  const hub: HubState = {
    store,
    settings,
    topics: sharedTopics((jobId, onClosed) => openTopic(hub, jobId, onClosed)),
    lists: sharedTopics((key, onClosed) => openList(hub, key, onClosed)),
    readers: createReaders((error) => report(hub, error)),
    limiter: streamLimiter(settings),
    pending: pendingRequests(),
    clock: hubClock(settings.tickMs, (now) => tick(hub, now)),
    heartbeat: undefined,
    revocations: 0,
    isDraining: false,
    isClosed: false,
  };
  return {
    join: (jobId, options) => join(hub, jobId, options),
    joinList: (options) => joinList(hub, options),
    takeSlot: (client, principals) => takeSlot(hub, { client, principals }),
    catchUp,
    wait: (promise, client) => hub.pending.until(promise, client.signal),
    add(reader) {
      hub.readers.add(reader);
      hub.clock.start();
      if (hub.isDraining) reader.leaveBy(elapsed());
    },
    remove: (reader) => hub.readers.remove(reader),
    disconnect(target) {
      hub.revocations += 1;
      const { principal } = target;
      return hub.readers.revoke(
        (reader) =>
          (principal === undefined || reader.principals.includes(principal)) &&
          reader.reads(target),
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
      hub.topics.each((topic) => topic.close());
      hub.lists.each((list) => list.close());
      startDraining(hub, 0);
    },
    now: () => hub.store.now(),
    heartbeat: () => heartbeatOf(hub),
    figures: () => ({ slots: hub.limiter.count(), watchedJobs: hub.topics.count() }),
  };
}

/** One for all streams that need one at the same moment. */
function heartbeatOf(hub: HubState): Frame {
  const now = hub.store.now();
  if (hub.heartbeat?.now !== now) hub.heartbeat = { now, frame: frameOf(heartbeatFrame({ now })) };
  return hub.heartbeat.frame;
}

function tick(hub: HubState, now: number): boolean {
  const { topics, lists, readers } = hub;
  const tickOne = (topic: Pick<Topic, "tick">): void => {
    try {
      topic.tick(now);
    } catch (error) {
      report(hub, error);
    }
  };
  topics.each(tickOne);
  lists.each(tickOne);
  readers.tick(now);
  return topics.count() + lists.count() > 0 || !readers.isEmpty();
}

function report({ settings }: HubState, error: unknown): void {
  settings.onError(asProgressError(error, "A topic or a stream of the hub failed."));
}

function openTopic(hub: HubState, jobId: string, onClosed: () => void): Topic {
  const { store, settings, clock } = hub;
  clock.start();
  return createTopic(jobId, { store, settings, onClosed });
}

/** @param key - The limit, a space, and the subject. */
function openList(hub: HubState, key: string, onClosed: () => void): ListTopic {
  const { store, settings, clock } = hub;
  const [limit, subject = ""] = key.split(" ");
  clock.start();
  return createListTopic(
    { subject, limit: Number(limit) },
    { store, settings, onClosed, joinJob: (jobId) => join(hub, jobId, {}) },
  );
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
