import {
  type Cursor,
  type Delta,
  deltaAfter,
  emptyReplica,
  fieldValue,
  jobDeltaFrame,
  type Replica,
} from "@emlinh/progress-protocol";
import { asProgressError } from "../../shared/errors.js";
import { elapsed } from "../../shared/time.js";
import type { Frame } from "../frame.js";
import type { GuardedStore } from "../guarded-store.js";
import { observe } from "../metrics.js";
import type { Settings } from "../options.js";
import type { Unwatch } from "../store.js";
import { type AppliedDelta, type FrameCache, frameCache } from "./frame-cache.js";
import { type ReplicaReader, replicaReader } from "./replica-reader.js";
import { turnQueue } from "./turn-queue.js";

/** One that a topic notifies. An error that it throws goes to `onError`, and the others are notified all the same. */
export interface TopicListener {
  /**
   * The job changed. Called at once, in the order in which listeners were added.
   *
   * Both times are read once for all listeners.
   *
   * @param now - The time of day by this process's clock, in milliseconds since the epoch.
   * @param at - The same moment by {@link elapsed}.
   */
  changed(now: number, at: number): void;
  /** The job was removed from its store. */
  removed(): void;
  /** The job could not be read for {@link STORE_PATIENCE_MS}. */
  storeLost(): void;
}

/** One watched job in this process: a replica of its state, and the listeners that are notified when it changes. */
export interface Topic {
  readonly jobId: string;
  /** Resolves when the job is watched and was read. @throws ProgressError `job-not-found`, or as the store does. */
  readonly opened: Promise<void>;
  /** Whether `opened` has resolved. */
  isOpen(): boolean;
  readonly listeners: Set<TopicListener>;
  /** The job's data. Read it, and never change it. */
  readonly replica: Replica;
  /** When the replica changed last, by {@link elapsed}. */
  changedAt(): number;
  deltaAfter(cursor: Cursor | undefined): Delta;
  /**
   * The changes after a cursor, as the bytes of one frame that all readers share; `undefined` if there are none.
   *
   * @throws if a value can't be serialized. `onError` was called with that error.
   */
  frameAfter(cursor: Cursor | undefined): Frame | undefined;
  /** The same for a stream of many jobs: the delta has its job, and the frame no id (P65). */
  jobFrameAfter(cursor: Cursor | undefined): Frame | undefined;
  /** The bytes of a heartbeat that may be sent now. */
  heartbeat(): Frame;
  /** Whether the store may have changes that the replica lacks. */
  isBehind(): boolean;
  /** Whether the job could not be read for {@link STORE_PATIENCE_MS}. */
  isLost(): boolean;
  /** Resolves after a read that began after this call, or at once while reads fail. @returns whether they succeed. */
  refresh(): Promise<boolean>;
  tick(now: number): void;
  /** Whether the watch has ended, so that listeners are not notified any more. */
  isClosed(): boolean;
  /** Ends the watch. Idempotent. */
  close(): void;
}

/** Milliseconds for which streams are kept open and silent while their job can't be read (P39). */
export const STORE_PATIENCE_MS = 30_000;

/** Milliseconds after a change for which its frames are kept. */
const FRAMES_KEPT_MS = 10_000;

/** The dependencies of a topic. */
export interface TopicContext {
  readonly store: GuardedStore;
  readonly settings: Pick<Settings, "rereadMs" | "clock" | "random" | "onError" | "metrics">;
  /** Called once, when the watch has ended: after `close()`, a failed opening, or the job's removal. */
  readonly onClosed: () => void;
}

interface TopicState extends TopicContext {
  readonly jobId: string;
  readonly listeners: Set<TopicListener>;
  readonly frames: FrameCache;
  /** The frames for streams of many jobs. Made when one of them follows the job. */
  jobFrames: FrameCache | undefined;
  readonly reader: ReplicaReader;
  readonly replica: Replica;
  changedAt: number;
  /** Whether the listeners were told of a change in this turn of the event loop, and whether another one came since. */
  isTold: boolean;
  isDirty: boolean;
  unwatch: Unwatch | undefined;
  isOpen: boolean;
  isClosed: boolean;
  /** The error of the last frame that could not be encoded. Every reader finds the same one; it is reported once. */
  frameFailure: unknown;
}

/** Watches a job, then reads it, so that no change is missed between the two. After that each wake leads to a read. */
export function createTopic(jobId: string, context: TopicContext): Topic {
  const replica = emptyReplica();
  const { store, settings, onClosed } = context;
  const { rereadMs, random } = settings;
  const reader = replicaReader({
    store,
    rereadMs,
    random,
    jobId,
    replica,
    onChange: (applied) => changed(state, applied),
    onRemoved: () => removed(state),
    onError: (error) => report(state, error),
  });
  const state: TopicState = {
    store,
    settings,
    onClosed,
    jobId,
    reader,
    replica,
    listeners: new Set(),
    frames: frameCache(replica, { onReset: () => countReset(settings) }),
    jobFrames: undefined,
    changedAt: elapsed(),
    isTold: false,
    isDirty: false,
    unwatch: undefined,
    isOpen: false,
    isClosed: false,
    frameFailure: undefined,
  };
  const opened = open(state);
  // Every caller of `join` awaits `opened`. If all of them have left, the error concerns no one.
  opened.catch(() => close(state));
  return {
    jobId,
    opened,
    isOpen: () => state.isOpen,
    replica,
    listeners: state.listeners,
    changedAt: () => state.changedAt,
    deltaAfter: (cursor) => deltaOrEmpty(replica, cursor),
    frameAfter: (cursor) => frameAfter(state, state.frames, cursor),
    jobFrameAfter(cursor) {
      state.jobFrames ??= frameCache(replica, {
        textOf: (delta) => jobDeltaFrame(jobId, delta),
        onReset: () => countReset(settings),
      });
      return frameAfter(state, state.jobFrames, cursor);
    },
    heartbeat: () => state.frames.heartbeat(state.store.now()),
    isBehind: () => reader.isBehind(),
    isLost: () => isLost(state, elapsed()),
    refresh: () => reader.refresh(),
    tick: (now) => tick(state, now),
    isClosed: () => state.isClosed,
    close: () => close(state),
  };
}

/** The comparison spares a reader that has everything a look at each field and line. */
function deltaOrEmpty(replica: Replica, cursor: Cursor | undefined): Delta {
  const { done } = replica;
  if (cursor !== undefined && cursor === replica.cursor)
    return { cursor, reset: false, set: {}, log: [], done };
  return deltaAfter(replica, cursor);
}

async function open(state: TopicState): Promise<void> {
  const unwatch = await state.store.watch({ jobId: state.jobId }, state.reader.wake);
  if (state.isClosed) {
    void endWatch(state, unwatch);
    return;
  }
  state.unwatch = unwatch;
  await state.reader.open();
  state.isOpen = true;
}

function countReset({ metrics }: TopicContext["settings"]): void {
  metrics.resets += 1;
}

function frameAfter(
  state: TopicState,
  frames: FrameCache,
  cursor: Cursor | undefined,
): Frame | undefined {
  try {
    return frames.frameAfter(cursor);
  } catch (error) {
    if (error !== state.frameFailure) {
      state.frameFailure = error;
      reportUnsendable(state, error);
    }
    throw error;
  }
}

/** The first change of a turn of the event loop is told at once, and the others of that turn together at its end. */
function changed(state: TopicState, applied: AppliedDelta): void {
  state.frames.changed(applied);
  state.jobFrames?.changed(applied);
  state.changedAt = elapsed();
  if (state.isTold) {
    state.isDirty = true;
    return;
  }
  state.isTold = true;
  TURN.add(state);
  notifyOfChange(state);
}

const TURN = turnQueue<TopicState>((state) => {
  state.isTold = false;
  tellRest(state);
});

function tellRest(state: TopicState): void {
  if (!state.isDirty) return;
  state.isDirty = false;
  notifyOfChange(state);
}

function notifyOfChange(state: TopicState): void {
  const now = state.settings.clock();
  const at = elapsed();
  for (const listener of state.listeners) {
    try {
      listener.changed(now, at);
    } catch (error) {
      reportListener(state, error);
    }
  }
  observeLag(state);
}

/** Once per change, when it was written to all readers. */
function observeLag({ replica, store, settings }: TopicState): void {
  const updatedAt = fieldValue(replica, "updatedAt");
  if (typeof updatedAt === "number") observe(settings.metrics.writeToWire, store.now() - updatedAt);
}

function removed(state: TopicState): void {
  close(state);
  notifyEach(state, (listener) => listener.removed());
}

/** Notifies the listeners, of which any may leave meanwhile. */
function notifyEach(state: TopicState, notify: (listener: TopicListener) => void): void {
  for (const listener of [...state.listeners]) {
    try {
      notify(listener);
    } catch (error) {
      reportListener(state, error);
    }
  }
}

function tick(state: TopicState, now: number): void {
  state.reader.tick(now);
  // Readers that come at the same moment share the frames. A job at rest needs none.
  if (now - state.changedAt >= FRAMES_KEPT_MS) clearFrames(state);
  if (isLost(state, now)) notifyEach(state, (listener) => listener.storeLost());
}

function isLost({ reader }: TopicState, now: number): boolean {
  return reader.failingForMs(now) >= STORE_PATIENCE_MS;
}

function close(state: TopicState): void {
  if (state.isClosed) return;
  // The last change of a process that stops may be the end of the job.
  tellRest(state);
  state.isClosed = true;
  state.reader.stop();
  clearFrames(state);
  if (state.unwatch !== undefined) void endWatch(state, state.unwatch);
  state.onClosed();
}

function clearFrames({ frames, jobFrames }: TopicState): void {
  frames.clear();
  jobFrames?.clear();
}

async function endWatch(state: TopicState, unwatch: Unwatch): Promise<void> {
  // Nothing waits for it: a wake that still comes finds the topic closed.
  try {
    await unwatch();
  } catch (error) {
    report(state, error);
  }
}

function report({ jobId, settings }: TopicState, error: unknown): void {
  settings.onError(asProgressError(error, `The job "${jobId}" could not be read.`));
}

function reportListener({ jobId, settings }: TopicState, error: unknown): void {
  settings.onError(asProgressError(error, `A listener of the job "${jobId}" failed.`));
}

function reportUnsendable({ jobId, settings }: TopicState, error: unknown): void {
  const message =
    `The state of the job "${jobId}" can't be sent, because a value in it can't be serialized. ` +
    "Its streams were closed. Read `cause`, and check the store.";
  settings.onError(asProgressError(error, message));
}
