import {
  applyDelta,
  type Cursor,
  type Delta,
  deltaAfter,
  deltaFrame,
  emptyReplica,
  heartbeatFrame,
  isEmpty,
  isProgressError,
  ProgressError,
  type Replica,
  replicaCursor,
} from "@emlinh/progress-protocol";
import { asProgressError, jobNotFound } from "../../shared/errors.js";
import { backoffMs, elapsed } from "../../shared/time.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import type { Unwatch } from "../store.js";
import { createHints, type Hints } from "./hints.js";

/** Someone whom a topic tells. */
export interface Member {
  /** The job changed. Called at once, in the order in which members came. */
  changed(): void;
  /** The job was removed from its store. */
  gone(): void;
  /** The store could not be read for {@link STORE_PATIENCE_MS}. */
  storeLost(): void;
  /**
   * Whether each change is read at once. To one that isn't eager the changes that this process itself writes don't matter: the others' are
   * read at once all the same, or within {@link LAZY_GAP_MS} where a hint doesn't tell whose it is.
   */
  readonly eager: boolean;
}

/** One watched job: a copy of its state, and the members who are told when it changes. */
export interface Topic {
  readonly jobId: string;
  /** Resolves when the job is watched and read. @throws ProgressError as the store does; `job-not-found` */
  readonly opened: Promise<void>;
  readonly members: Set<Member>;
  /** When the copy changed last, by {@link elapsed}. */
  changedAt(): number;
  cursor(): Cursor;
  hasEnded(): boolean;
  replica(): Replica;
  /** What changed after a cursor, as the bytes of one frame; encoded once for all who stand there. `undefined` for nothing. */
  frameAfter(cursor: Cursor | undefined): Uint8Array | undefined;
  deltaAfter(cursor: Cursor | undefined): Delta;
  /** The bytes of a heartbeat that may be sent now. */
  heartbeat(): Uint8Array;
  /** Whether there may be something that the copy doesn't hold. */
  isBehind(): boolean;
  /** Whether the job can't be read since {@link STORE_PATIENCE_MS}. */
  isLost(): boolean;
  /** Resolves after a read that began after this call; at once while the store can't be read. */
  refresh(): Promise<void>;
  /** Does a write of this process' own: its hint needn't be followed for those who aren't eager. */
  readonly own: Hints["own"];
  tick(now: number): void;
  /** Whether the watch has ended: nobody is told anything any more. */
  isClosed(): boolean;
  /** Ends the watch. Idempotent. */
  close(): void;
}

/** Milliseconds for which streams are kept open and silent while their job can't be read (P39). */
const STORE_PATIENCE_MS = 30_000;

/** Between the reads of a topic without an eager member, unless another wrote: a worker that writes often shall not read as often. */
const LAZY_GAP_MS = 500;

/** Cursors at which frames are kept ready. Readers stand at one or two; those who were skipped may stand anywhere. */
const MAX_FRAMES = 32;

/** Milliseconds after a change for which its frames are kept ready. */
const FRAMES_KEPT_MS = 10_000;

const encoder = new TextEncoder();

/** What a topic needs to know. */
export interface TopicContext extends Pick<Settings, "rereadMs" | "clock" | "random" | "onError"> {
  readonly store: GuardedStore;
  /** Called once, when the topic has ended its watch: after `close()`, a failed opening, or the job's removal. */
  readonly onClosed: () => void;
}

/**
 * Watches a job, then reads it: no change falls between the two. From then on a hint, or a while without one, leads to the next read.
 * There is at most one read at a time, and one that waits for its turn.
 */
export function createTopic(jobId: string, context: TopicContext): Topic {
  const { store, rereadMs, clock, random, onClosed } = context;
  const { maxLogLines } = store;
  const members = new Set<Member>();
  const hints = createHints();
  const frames = new Map<Cursor | "", Uint8Array>();
  const replica = emptyReplica();
  let cursor = replicaCursor(replica);
  let unwatch: Unwatch | undefined;
  /** From the first; opening counts. */
  let reading = true;
  let closed = false;
  let readAt = elapsed();
  let changedAt = readAt;
  let failures = 0;
  let failingSince = 0;
  let heartbeatBytes: { readonly at: number; readonly bytes: Uint8Array } | undefined;
  /** Those who wait for a read that begins after their call: first the ones whose read has not begun. */
  let nextWaiters: (() => void)[] = [];

  async function open(): Promise<void> {
    const stop = await store.watch(jobId, wake);
    if (closed) {
      endWatch(stop);
      return;
    }
    unwatch = stop;
    const snapshot = await store.read(jobId);
    if (snapshot === undefined) throw jobNotFound(jobId);
    take(snapshot);
    reading = false;
    readAt = elapsed();
    pump();
  }

  function wake(version?: number): void {
    hints.note(version);
    pump();
  }

  /** Whether a read would tell somebody something, and is worth it now. */
  function isDue(): boolean {
    if (nextWaiters.length > 0 || hints.isForeign()) return true;
    return isEager() ? hints.isBehind() : hints.isUnsure() && elapsed() - readAt >= LAZY_GAP_MS;
  }

  function isEager(): boolean {
    for (const { eager } of members) if (eager) return true;
    return false;
  }

  function pump(): void {
    if (reading || closed || !isDue()) return;
    if (failures > 0 && elapsed() < readAt) return;
    reading = true;
    hints.reading();
    const waiters = nextWaiters;
    nextWaiters = [];
    // Every outcome of a read is taken below, so that this promise has nothing left to reject with.
    void store
      .read(jobId, cursor)
      .then(readDone, readFailed)
      .catch(report)
      .then(() => {
        reading = false;
        for (const resolve of waiters) resolve();
        pump();
      });
  }

  function readDone(delta: Delta | undefined): void {
    if (closed) return;
    failures = 0;
    readAt = elapsed();
    if (delta === undefined) removed();
    else if (take(delta)) publish();
  }

  function readFailed(error: unknown): void {
    if (closed) return;
    if (isProgressError(error, "job-expired") || isProgressError(error, "job-not-found")) {
      removed();
      return;
    }
    if (failures === 0) {
      failingSince = elapsed();
      report(error);
    }
    failures += 1;
    hints.note();
    // In the future, while it fails: not before then is there a next try.
    readAt = elapsed() + backoffMs(failures, { maxMs: rereadMs }, random);
    release();
  }

  function report(error: unknown): void {
    context.onError(asProgressError(error, `The job "${jobId}" could not be followed.`));
  }

  /** Whether the copy is another now. */
  function take(delta: Delta): boolean {
    const before = cursor;
    if (applyDelta(replica, delta, maxLogLines) === "unknown-epoch") throw unexpected(delta);
    hints.read(replica.version, delta.reset);
    cursor = replicaCursor(replica);
    if (cursor === before) return false;
    frames.clear();
    heartbeatBytes = undefined;
    changedAt = elapsed();
    return true;
  }

  function unexpected({ cursor: got }: Delta): ProgressError {
    return new ProgressError("internal", {
      message: `The store returned a delta with the cursor ${JSON.stringify(got)} for the job "${jobId}", which does not follow the cursor ${JSON.stringify(cursor)}.`,
    });
  }

  function publish(): void {
    for (const member of members) member.changed();
  }

  function removed(): void {
    close();
    for (const member of members) member.gone();
  }

  /** Lets those go who wait for a read that will not come. */
  function release(): void {
    const waiters = nextWaiters;
    nextWaiters = [];
    for (const resolve of waiters) resolve();
  }

  function close(): void {
    if (closed) return;
    closed = true;
    release();
    if (unwatch !== undefined) endWatch(unwatch);
    onClosed();
  }

  function endWatch(stop: Unwatch): void {
    // Nobody waits for it; a wake that comes nevertheless finds the topic closed.
    stop().catch(report);
  }

  function isLost(now: number): boolean {
    return failures > 0 && now - failingSince >= STORE_PATIENCE_MS;
  }

  const opened = open();
  // Whoever waits is told; if all who waited have left, nobody needs to be.
  opened.catch(close);

  return {
    jobId,
    opened,
    members,
    changedAt: () => changedAt,
    cursor: () => cursor,
    hasEnded: () => replica.done,
    replica: () => replica,
    deltaAfter: (from) => deltaAfter(replica, from),
    frameAfter(from) {
      const ready = frames.get(from ?? "");
      if (ready !== undefined) return ready;
      const delta = deltaAfter(replica, from);
      if (isEmpty(delta)) return undefined;
      // Whoever needs a reset needs the same one, whichever cursor is to blame.
      const key = delta.reset || from === undefined ? "" : from;
      const bytes = frames.get(key) ?? encoder.encode(deltaFrame(delta));
      if (frames.size < MAX_FRAMES) frames.set(key, bytes);
      return bytes;
    },
    heartbeat() {
      const now = clock();
      if (heartbeatBytes?.at !== now) {
        const text = heartbeatFrame({ cursor, now });
        heartbeatBytes = { at: now, bytes: encoder.encode(text) };
      }
      return heartbeatBytes.bytes;
    },
    refresh() {
      if (closed || failures > 0) return Promise.resolve();
      return new Promise((resolve) => {
        nextWaiters.push(resolve);
        pump();
      });
    },
    tick(now) {
      if (now - readAt >= rereadMs) hints.note();
      pump();
      // Readers who come all at once share these; a job at rest needs none.
      if (now - changedAt >= FRAMES_KEPT_MS) frames.clear();
      if (isLost(now)) for (const member of members) member.storeLost();
    },
    isClosed: () => closed,
    isBehind: () => hints.isBehind(),
    own: (write, raises) => hints.own(write, raises).finally(pump),
    isLost: () => isLost(elapsed()),
    close,
  };
}
