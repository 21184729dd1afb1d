import { type Cursor, ProgressError, parseCursor } from "@emlinh/progress-protocol";
import { closedError, draining as drainingError } from "../../shared/errors.js";
import { elapsed, every, type Timer } from "../../shared/time.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import { createTopic, type Topic } from "./topic.js";

/** One whom the hub's clock drives: an open stream, or a held poll. */
export interface Reader {
  /** @param now - By {@link elapsed}. */
  tick(now: number): void;
  /** Asks it to be gone by a moment, since the server drains. */
  leaveBy(at: number): void;
}

/** A place at a topic. Who has one gives it back. */
export interface Seat {
  readonly topic: Topic;
  /** Idempotent. */
  leave(): void;
}

/** How a place is taken. */
interface JoinOptions {
  /** Where the reader stands. A copy that is behind it is brought forward first: the reader was here, or elsewhere, a moment ago. */
  readonly cursor?: Cursor | undefined;
  /** Brings the copy forward in any case. */
  readonly fresh?: boolean | undefined;
  /** Whether the place counts against `maxStreams`; a worker's own doesn't. */
  readonly counted: boolean;
}

/** What goes on in this process. */
export interface HubStats {
  /** Places taken by streams and held polls, those included that are opening or closing. */
  readonly streams: number;
  readonly watchedJobs: number;
}

/** The topics of this process, and everybody who reads them. */
export interface Hub {
  /**
   * Takes a place at a job's topic, which is opened for the first and dropped after the last.
   *
   * @throws ProgressError `too-many-streams`, `draining`; as the store does; `job-not-found`
   */
  join(jobId: string, options: JoinOptions): Promise<Seat>;
  add(reader: Reader): void;
  remove(reader: Reader): void;
  isDraining(): boolean;
  isClosed(): boolean;
  /** Resolves when every counted place was given back. */
  drain(spreadMs: number): Promise<void>;
  /** Sends every reader away at once, and ends every watch. */
  close(): void;
  stats(): HubStats;
}

interface Entry {
  readonly topic: Topic;
  holds: number;
}

/** Makes an empty hub. Its one timer runs while somebody reads. */
export function createHub(store: GuardedStore, settings: Settings): Hub {
  const { maxStreams, maxStreamsPerJob, tickMs, random } = settings;
  const entries = new Map<string, Entry>();
  const readers = new Set<Reader>();
  const placesByJob = new Map<string, number>();
  let places = 0;
  let timer: Timer | undefined;
  let timerMs = tickMs;
  let draining = false;
  let closed = false;
  let drained: (() => void)[] = [];

  function tick(): void {
    const now = elapsed();
    for (const { topic } of entries.values()) topic.tick(now);
    for (const reader of readers) reader.tick(now);
    if (entries.size === 0 && readers.size === 0) stopTimer();
  }

  function startTimer(): void {
    timer ??= every(timerMs, tick);
  }

  function stopTimer(): void {
    clearInterval(timer);
    timer = undefined;
  }

  function takePlace(jobId: string): () => void {
    if (draining) throw drainingError();
    const ofJob = placesByJob.get(jobId) ?? 0;
    if (places >= maxStreams) throw tooManyStreams("in this process", maxStreams);
    if (ofJob >= maxStreamsPerJob) throw tooManyStreams(`of the job "${jobId}"`, maxStreamsPerJob);
    places += 1;
    placesByJob.set(jobId, ofJob + 1);
    return () => givePlaceBack(jobId);
  }

  function givePlaceBack(jobId: string): void {
    places -= 1;
    const left = (placesByJob.get(jobId) ?? 1) - 1;
    if (left > 0) placesByJob.set(jobId, left);
    else placesByJob.delete(jobId);
    if (places > 0) return;
    for (const resolve of drained) resolve();
    drained = [];
  }

  function enter(jobId: string): Entry {
    const known = entries.get(jobId);
    if (known !== undefined) return known;
    const entry: Entry = {
      topic: createTopic(jobId, { ...settings, store, onClosed: () => forget(jobId, entry) }),
      holds: 0,
    };
    entries.set(jobId, entry);
    startTimer();
    return entry;
  }

  function forget(jobId: string, entry: Entry): void {
    // A topic that was closed may have a successor by now.
    if (entries.get(jobId) === entry) entries.delete(jobId);
  }

  function hold(entry: Entry): () => void {
    entry.holds += 1;
    return () => {
      entry.holds -= 1;
      if (entry.holds === 0) entry.topic.close();
    };
  }

  async function join(jobId: string, { cursor, fresh, counted }: JoinOptions): Promise<Seat> {
    if (closed) throw closedError("This progress");
    const giveBack = counted ? takePlace(jobId) : undefined;
    const isKnown = entries.has(jobId);
    const entry = enter(jobId);
    const letGo = hold(entry);
    const leave = once(() => {
      letGo();
      giveBack?.();
    });
    try {
      const { topic } = entry;
      await topic.opened;
      const mayBeOld = fresh || topic.isBehind() || !holds(topic, cursor);
      if (isKnown && mayBeOld) await topic.refresh();
      // Those who were there are kept waiting; one who comes anew had better try another process.
      if (counted && topic.isLost()) throw storeLost(jobId);
      if (counted && draining) throw drainingError();
      return { topic, leave };
    } catch (error) {
      leave();
      throw error;
    }
  }

  function startDraining(spreadMs: number): void {
    draining = true;
    const now = elapsed();
    for (const reader of readers) reader.leaveBy(now + random() * spreadMs);
    // Finer than usual: readers who are sent away by the hundred come back by the hundred.
    timerMs = Math.max(10, Math.min(50, tickMs, spreadMs / 100));
    stopTimer();
    startTimer();
    tick();
  }

  return {
    join,
    add(reader) {
      readers.add(reader);
      startTimer();
      if (draining) reader.leaveBy(elapsed());
    },
    remove(reader) {
      readers.delete(reader);
    },
    isDraining: () => draining,
    isClosed: () => closed,
    async drain(spreadMs) {
      startDraining(spreadMs);
      if (places > 0) await new Promise<void>((resolve) => drained.push(resolve));
    },
    close() {
      closed = true;
      for (const { topic } of [...entries.values()]) topic.close();
      startDraining(0);
    },
    stats: () => ({ streams: places, watchedJobs: entries.size }),
  };
}

/** Whether a topic's copy is at least where a reader stands. A cursor of another epoch may be of a later one. */
function holds(topic: Topic, cursor: Cursor | undefined): boolean {
  const [mine, theirs] = [parseCursor(topic.cursor()), parseCursor(cursor)];
  if (mine === undefined || theirs === undefined) return true;
  return mine.epoch === theirs.epoch && theirs.version <= mine.version;
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}

function storeLost(jobId: string): ProgressError {
  return new ProgressError("store-unavailable", {
    message: `The job "${jobId}" could not be read for a while: see whether the store's database can be reached.`,
    retryable: true,
    status: 503,
    details: { jobId },
  });
}

function tooManyStreams(where: string, most: number): ProgressError {
  return new ProgressError("too-many-streams", {
    message: `${most} streams ${where} are open: raise maxStreams or maxStreamsPerJob, or add a process.`,
    retryable: true,
    status: 429,
    details: { most },
  });
}
