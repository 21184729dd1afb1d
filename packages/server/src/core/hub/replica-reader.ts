import {
  applyDelta,
  type Delta,
  isProgressError,
  ProgressError,
  type Replica,
} from "@emlinh/progress-protocol";
import { jobNotFound } from "../../shared/errors.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import { type WakeTracker, wakeTracker } from "../wake-tracker.js";
import type { AppliedDelta } from "./frame-cache.js";
import { readLoop } from "./read-loop.js";

/** Keeps a replica up to date with the store: at most one read at a time, and one that waits for its turn. */
export interface ReplicaReader {
  /**
   * The first read. Until it resolves, nothing else is read.
   * @throws ProgressError `job-not-found`, or as the store does.
   */
  open(): Promise<void>;
  /** Takes a wake of the store. Its delta is applied if it is the next one, and otherwise the store is read. */
  wake(version?: number, delta?: Delta): void;
  /** Resolves after a read that began after this call, or at once while reads fail. @returns whether they succeed. */
  refresh(): Promise<boolean>;
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
}

/** A job that has ended can only be removed, so it is read again more rarely: by this factor. */
const ENDED_REREAD_FACTOR = 12;

/** Makes a reader of an empty replica. */
export function replicaReader(context: ReplicaReaderContext): ReplicaReader {
  const { jobId, store, replica, rereadMs, random, onChange, onRemoved, onError } = context;
  const wakes = wakeTracker();
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
    wakes,
  };
  const loop = readLoop<Delta | undefined>({
    maxRetryMs: rereadMs,
    rereadMs: () => (replica.done ? rereadMs * ENDED_REREAD_FACTOR : rereadMs),
    random,
    isBehind: () => isBehind(state),
    note: () => wakes.note(),
    read() {
      wakes.clear();
      return store.read(jobId, replica.cursor);
    },
    onRead: (delta) => readDone(state, delta),
    isFinal: (error) => isGone(state, error),
    onError,
  });
  return {
    async open() {
      const snapshot = await store.read(jobId);
      if (snapshot === undefined) throw jobNotFound(jobId);
      apply(state, snapshot);
      loop.begin();
    },
    wake(version, delta) {
      if (delta !== undefined && !loop.isStopped() && applyNext(state, version, delta)) {
        loop.touch();
        return;
      }
      wakes.note(version);
      loop.readIfDue();
    },
    refresh: loop.refresh,
    tick: loop.tick,
    isBehind: () => isBehind(state),
    failingForMs: loop.failingForMs,
    stop: loop.stop,
  };
}

function isBehind({ wakes, replica }: ReaderState): boolean {
  return wakes.isUnknown() || wakes.isAbove(replica.version);
}

function readDone(state: ReaderState, delta: Delta | undefined): void {
  const from = state.replica.cursor;
  if (delta === undefined) state.onRemoved();
  else if (apply(state, delta)) state.onChange({ from, delta });
}

function isGone({ onRemoved }: ReaderState, error: unknown): boolean {
  const isGone = isProgressError(error, "job-expired") || isProgressError(error, "job-not-found");
  if (isGone) onRemoved();
  return isGone;
}

/**
 * Applies the delta of a wake, if it brings the replica from its version to the next one. A read that is under way does
 * no harm: the replica drops what it has.
 *
 * @returns whether it was the next one.
 */
function applyNext(state: ReaderState, version: number | undefined, delta: Delta): boolean {
  const { replica, store } = state;
  if (delta.reset || version !== replica.version + 1) return false;
  const from = replica.cursor;
  if (applyDelta(replica, delta, store.maxLogLines) !== "advanced") return false;
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
