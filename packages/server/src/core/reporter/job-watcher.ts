import {
  type Change,
  type Cursor,
  type CursorParts,
  type Delta,
  type Fields,
  isProgressError,
  isVisible,
  parseCursor,
  printCursor,
} from "@emlinh/progress-protocol";
import { asProgressError, jobNotFound } from "../../shared/errors.js";
import { createOutage, type Outage } from "../../shared/outage.js";
import { after, elapsed, type Timer } from "../../shared/time.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import type { StoredDelta, Unwatch, Written } from "../store.js";
import { type WakeTracker, wakeTracker } from "../wake-tracker.js";

/**
 * Watches the job of one reporter for changes by others, such as a cancel, an end or a later attempt.
 *
 * It reads only if there may be one: after a wake above the reporter's last write, or when the reply to a write shows
 * that another version came before it. So a worker that reports ten times a second reads nothing. If wakes are lost,
 * the next reply shows it, and without any reply for `rereadMs` it reads too.
 */
export interface JobWatcher {
  /** Starts the watch, then reads the job. @throws ProgressError `job-not-found`, `job-expired`, `store-unavailable` */
  open(): Promise<StoredDelta>;
  /** Writes a change of the reporter; one at a time. @throws ProgressError as the store does. */
  write(change: Change): Promise<Written>;
  /** Passes changes by others on, from now on. Resolves when those that were announced before have been passed on. */
  listen(listener: JobWatcherListener): Promise<void>;
  /** Ends the watch. Idempotent. */
  stop(): void;
}

/** The recipient of changes by others. */
interface JobWatcherListener {
  /** @param set - The fields that changed. The reporter's own changes may be among them. */
  changed(set: Fields): void;
  /** The job was removed from its store. */
  removed(): void;
}

/** The dependencies of a {@link JobWatcher}. */
export interface JobWatcherContext extends Pick<Settings, "rereadMs" | "random" | "onError"> {
  readonly jobId: string;
  readonly store: GuardedStore;
}

interface WatcherState extends JobWatcherContext {
  readonly wakes: WakeTracker;
  readonly outage: Outage;
  /** All versions up to this one were read or are the reporter's own. */
  known: CursorParts;
  /** Whether the reply to a write left out a version. */
  mustRead: boolean;
  /** The version that the write under way makes if nobody else writes first; 0 while none is under way. */
  ownVersion: number;
  isReading: boolean;
  isStopped: boolean;
  readAt: number;
  /** The last read, or reply to a write. */
  contactAt: number;
  listener: JobWatcherListener | undefined;
  unwatch: Unwatch | undefined;
  timer: Timer | undefined;
}

/**
 * Milliseconds between reads because of wakes without a version. A store that sends such wakes sends one for each of
 * the reporter's own writes.
 */
const UNVERSIONED_GAP_MS = 500;

/** Makes a watcher that is not open yet. */
export function createJobWatcher(context: JobWatcherContext): JobWatcher {
  const watcher: WatcherState = {
    ...context,
    wakes: wakeTracker(),
    outage: createOutage(context.rereadMs, context.random),
    known: { epoch: "", version: 0 },
    mustRead: false,
    ownVersion: 0,
    isReading: false,
    isStopped: false,
    readAt: elapsed(),
    contactAt: elapsed(),
    listener: undefined,
    unwatch: undefined,
    timer: undefined,
  };
  return {
    open: () => open(watcher),
    write: (change) => write(watcher, change),
    async listen(listener) {
      watcher.listener = listener;
      await readIfDue(watcher);
    },
    stop: () => stop(watcher),
  };
}

async function open(watcher: WatcherState): Promise<StoredDelta> {
  const { jobId, store, wakes } = watcher;
  watcher.unwatch = await store.watch({ jobId }, (version) => {
    wakes.note(version);
    void readIfDue(watcher);
  });
  if (watcher.isStopped) endWatch(watcher);
  wakes.clear();
  const snapshot = await store.read(jobId);
  if (snapshot === undefined) throw jobNotFound(jobId);
  watcher.known = parseCursor(snapshot.cursor) ?? watcher.known;
  return snapshot;
}

async function write(watcher: WatcherState, change: Change): Promise<Written> {
  watcher.ownVersion = watcher.known.version + 1;
  try {
    const written = await watcher.store.write(watcher.jobId, change);
    noteReply(watcher, written.cursor, isVisible(change));
    return written;
  } finally {
    watcher.ownVersion = 0;
    void readIfDue(watcher);
  }
}

/** @param raises - Whether the write makes a version of its own. */
function noteReply(watcher: WatcherState, cursor: Cursor, raises: boolean): void {
  const { known } = watcher;
  watcher.contactAt = elapsed();
  const reply = parseCursor(cursor);
  if (reply === undefined) return;
  const isNext = reply.version <= known.version + (raises ? 1 : 0);
  if (reply.epoch !== known.epoch || !isNext) watcher.mustRead = true;
  else if (reply.version > known.version) watcher.known = reply;
}

/** Reads if a read is due, else waits until one is. Never rejects. */
async function readIfDue(watcher: WatcherState): Promise<void> {
  const { listener, isReading, isStopped } = watcher;
  if (listener === undefined || isReading || isStopped) return;
  clearTimeout(watcher.timer);
  const waitMs = readDueAt(watcher) - elapsed();
  if (waitMs > 0) watcher.timer = after(waitMs, () => void readIfDue(watcher));
  else await read(watcher, listener);
}

function readDueAt(watcher: WatcherState): number {
  const { mustRead, wakes, known, ownVersion, outage, readAt, contactAt, rereadMs } = watcher;
  if (outage.isOn()) return outage.retryAt();
  // The wake of a write may come before its reply.
  if (mustRead || wakes.isAbove(Math.max(known.version, ownVersion)))
    return Number.NEGATIVE_INFINITY;
  if (wakes.isUnknown()) return readAt + UNVERSIONED_GAP_MS;
  return contactAt + rereadMs;
}

async function read(watcher: WatcherState, listener: JobWatcherListener): Promise<void> {
  const { jobId, store, known, wakes } = watcher;
  watcher.isReading = true;
  watcher.mustRead = false;
  wakes.clear();
  const answer = store.read(jobId, printCursor(known));
  await answer
    .then(
      (delta) => readDone(watcher, listener, delta),
      (error) => readFailed(watcher, listener, error),
    )
    .catch((error) => report(watcher, error));
  watcher.isReading = false;
  watcher.readAt = elapsed();
  watcher.contactAt = watcher.readAt;
  void readIfDue(watcher);
}

function readDone(
  watcher: WatcherState,
  listener: JobWatcherListener,
  delta: Delta | undefined,
): void {
  watcher.outage.ended();
  if (watcher.isStopped) return;
  if (delta === undefined) {
    listener.removed();
    return;
  }
  const read = parseCursor(delta.cursor);
  // The reply to a write that came during the read may have a later version.
  if (read !== undefined && isAfter(read, watcher.known)) watcher.known = read;
  listener.changed(delta.set);
}

function isAfter(one: CursorParts, other: CursorParts): boolean {
  return one.epoch !== other.epoch || one.version > other.version;
}

function readFailed(watcher: WatcherState, listener: JobWatcherListener, error: unknown): void {
  if (watcher.isStopped) return;
  if (isProgressError(error, "job-expired") || isProgressError(error, "job-not-found")) {
    listener.removed();
    return;
  }
  if (watcher.outage.failed()) report(watcher, error);
}

function stop(watcher: WatcherState): void {
  if (watcher.isStopped) return;
  watcher.isStopped = true;
  clearTimeout(watcher.timer);
  endWatch(watcher);
}

function endWatch(watcher: WatcherState): void {
  // Nothing waits for it: a wake that still comes finds the watcher stopped.
  watcher.unwatch?.().catch((error) => report(watcher, error));
}

function report({ jobId, onError }: WatcherState, error: unknown): void {
  onError(asProgressError(error, `The job "${jobId}" could not be watched by its worker.`));
}
