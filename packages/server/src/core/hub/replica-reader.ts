import {
  applyDelta,
  type Delta,
  isProgressError,
  ProgressError,
  type Replica,
} from "@emlinh/progress-protocol";
import { jobNotFound } from "../../shared/errors.js";
import { createOutage, type Outage } from "../../shared/outage.js";
import { elapsed } from "../../shared/time.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import { type WakeTracker, wakeTracker } from "../wake-tracker.js";
import type { AppliedDelta } from "./frame-cache.js";

/** Keeps a replica up to date with the store: at most one read at a time, and one that waits for its turn. */
export interface ReplicaReader {
  /**
   * The first read. Until it resolves, nothing else is read.
   * @throws ProgressError `job-not-found`, or as the store does.
   */
  open(): Promise<void>;
  /** Takes a wake of the store. Its delta is applied if it is the next one, and otherwise the store is read. */
  wake(version?: number, delta?: Delta): void;
  /** Resolves after a read that began after this call. Resolves at once while reads fail. */
  refresh(): Promise<void>;
  /** Reads again if there was no wake for `rereadMs`, or if a failed read is due again. */
  tick(now: number): void;
  /** Whether the store may have changes that the replica lacks. */
  isBehind(): boolean;
  /** Milliseconds for which reads have failed; 0 while they succeed. */
  failingForMs(now: number): number;
  /** Stops reading. */
  stop(): void;
}

/** The dependencies of a {@link ReplicaReader}. */
export interface ReplicaReaderContext extends Pick<Settings, "rereadMs" | "random"> {
  readonly jobId: string;
  readonly store: GuardedStore;
  readonly replica: Replica;
  /** Called when the replica has changed. */
  readonly onChange: (applied: AppliedDelta) => void;
  /** Called when the job was removed from the store. */
  readonly onRemoved: () => void;
  /** Called with the first failed read in a row, and with an error in what follows a read. */
  readonly onError: (error: unknown) => void;
}

interface ReaderState extends ReplicaReaderContext {
  readonly wakes: WakeTracker;
  readonly outage: Outage;
  isReading: boolean;
  isStopped: boolean;
  readAt: number;
  /** The callers of `refresh` whose read has not begun. */
  waiting: (() => void)[];
}

/** Makes a reader of an empty replica. */
export function replicaReader(context: ReplicaReaderContext): ReplicaReader {
  const { jobId, store, replica, rereadMs, random, onChange, onRemoved, onError } = context;
  // Named one by one: objects that are made by a spread have no common shape, and each access to one takes longer.
  const state: ReaderState = {
    jobId,
    store,
    replica,
    rereadMs,
    random,
    onChange,
    onRemoved,
    onError,
    wakes: wakeTracker(),
    outage: createOutage(rereadMs, random),
    // The first read is done by `open`.
    isReading: true,
    isStopped: false,
    readAt: elapsed(),
    waiting: [],
  };
  return {
    open: () => readFirst(state),
    wake(version, delta) {
      if (delta !== undefined && applyNext(state, version, delta)) return;
      state.wakes.note(version);
      readIfDue(state);
    },
    refresh() {
      if (state.isStopped || state.outage.isOn()) return Promise.resolve();
      return new Promise((resolve) => {
        state.waiting.push(resolve);
        readIfDue(state);
      });
    },
    tick(now) {
      if (now - state.readAt >= state.rereadMs) state.wakes.note();
      readIfDue(state);
    },
    isBehind: () => isBehind(state),
    failingForMs: (now) => state.outage.durationMs(now),
    stop() {
      state.isStopped = true;
      release(state);
    },
  };
}

async function readFirst(state: ReaderState): Promise<void> {
  const snapshot = await state.store.read(state.jobId);
  if (snapshot === undefined) throw jobNotFound(state.jobId);
  apply(state, snapshot);
  state.isReading = false;
  state.readAt = elapsed();
  readIfDue(state);
}

function readIfDue(state: ReaderState): void {
  const { isReading, isStopped, waiting, outage } = state;
  if (isReading || isStopped || elapsed() < outage.retryAt()) return;
  if (waiting.length === 0 && !isBehind(state)) return;
  // It handles every outcome of the read itself.
  void read(state);
}

function isBehind({ wakes, replica }: ReaderState): boolean {
  return wakes.isUnknown() || wakes.isAbove(replica.version);
}

async function read(state: ReaderState): Promise<void> {
  const { jobId, store, replica, wakes, waiting } = state;
  state.isReading = true;
  state.waiting = [];
  wakes.clear();
  const answer = store.read(jobId, replica.cursor);
  await answer
    .then(
      (delta) => readDone(state, delta),
      (error) => readFailed(state, error),
    )
    .catch(state.onError);
  state.isReading = false;
  for (const resolve of waiting) resolve();
  readIfDue(state);
}

function readDone(state: ReaderState, delta: Delta | undefined): void {
  if (state.isStopped) return;
  state.outage.ended();
  state.readAt = elapsed();
  const from = state.replica.cursor;
  if (delta === undefined) state.onRemoved();
  else if (apply(state, delta)) state.onChange({ from, delta });
}

function readFailed(state: ReaderState, error: unknown): void {
  if (state.isStopped) return;
  if (isProgressError(error, "job-expired") || isProgressError(error, "job-not-found")) {
    state.onRemoved();
    return;
  }
  if (state.outage.failed()) state.onError(error);
  state.wakes.note();
  release(state);
}

/**
 * Applies the delta of a wake, if it brings the replica from its version to the next one. A read that is under way does
 * no harm: the replica drops what it has.
 *
 * @returns whether it was the next one.
 */
function applyNext(state: ReaderState, version: number | undefined, delta: Delta): boolean {
  const { isStopped, replica, store } = state;
  if (isStopped || delta.reset || version !== replica.version + 1) return false;
  const from = replica.cursor;
  if (applyDelta(replica, delta, store.maxLogLines) !== "advanced") return false;
  state.readAt = elapsed();
  state.onChange({ from, delta });
  return true;
}

/** @returns whether the replica stands at another cursor now. */
function apply({ jobId, store, replica }: ReaderState, delta: Delta): boolean {
  const before = replica.cursor;
  if (applyDelta(replica, delta, store.maxLogLines) === "unknown-epoch")
    throw new ProgressError("internal", {
      message:
        `The store returned a delta of the job "${jobId}" with the cursor ${JSON.stringify(delta.cursor)}, ` +
        `which does not follow ${JSON.stringify(before)}. ` +
        'Check the store with the suite in "@emlinh/progress-server/testing".',
      status: 500,
    });
  return replica.cursor !== before;
}

function release(state: ReaderState): void {
  const { waiting } = state;
  state.waiting = [];
  for (const resolve of waiting) resolve();
}
