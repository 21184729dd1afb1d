import {
  type Cursor,
  type Delta,
  deltaAfter,
  deltaFrame,
  heartbeatFrame,
  isEmpty,
  type Replica,
} from "@emlinh/progress-protocol";
import { after, type Timer } from "../../shared/time.js";
import { type Frame, frameOf } from "../frame.js";

/** The frames of one topic as bytes, encoded once for all readers that stand at the same cursor. */
export interface FrameCache {
  /**
   * The changes after a cursor, as the bytes of one frame; `undefined` if there are none.
   *
   * @throws the error of `JSON.stringify` if a value can't be serialized: for one cursor the same error at each call.
   */
  frameAfter(cursor: Cursor | undefined): Frame | undefined;
  /** A heartbeat with the given server time. */
  heartbeat(now: number): Frame;
  /**
   * Drops the frames of earlier changes. Call it whenever the replica changed.
   *
   * @param last - The delta that was applied last.
   */
  changed(last: AppliedDelta): void;
  /** Drops the frames. */
  clear(): void;
}

/** A delta that brought a replica from one cursor to the next. */
export interface AppliedDelta {
  readonly from: Cursor;
  readonly delta: Delta;
}

/** Cursors at which frames are kept. Most readers stand at one or two; those that were skipped may stand anywhere. */
const MAX_FRAMES = 32;

/**
 * Bytes of frames that are kept: about one snapshot of the largest job. Frames above this are shared until the next
 * turn of the event loop only, so that a change is encoded once for all readers and not once per reader.
 */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** The parts of a cache that differ. */
export interface FrameCacheOptions {
  /** The text of the frame of a delta. @defaultValue `deltaFrame`, which is that of a stream of one job */
  readonly textOf?: ((delta: Delta) => string) | undefined;
  /** Called for each reader that had a cursor and gets a reset. */
  readonly onReset?: (() => void) | undefined;
}

/** Makes the cache of a replica. */
export function frameCache(
  replica: Replica,
  { textOf = deltaFrame, onReset }: FrameCacheOptions = {},
): FrameCache {
  const frames = frameMap();
  const failures = new Map<Cursor | "", unknown>();
  let last: AppliedDelta | undefined;
  let heartbeat: { readonly now: number; readonly frame: Frame } | undefined;

  function encode(cursor: Cursor | undefined): Frame | undefined {
    // The comparison spares a reader that has everything a look at each field and line.
    if (cursor !== undefined && cursor === replica.cursor) return undefined;
    // Nearly all readers stand where the last delta began, and lack just that.
    const next = last !== undefined && cursor === last.from ? last.delta : undefined;
    const delta = next === undefined || next.reset ? deltaAfter(replica, cursor) : next;
    if (isEmpty(delta)) return undefined;
    // All readers that need a reset need the same one, whichever cursor they came with.
    const key = delta.reset || cursor === undefined ? "" : cursor;
    if (failures.has(key)) throw failures.get(key);
    try {
      const frame = frames.get(key) ?? frameOf(textOf(delta));
      frames.add(key, frame);
      if (delta.reset && cursor !== undefined) onReset?.();
      return frame;
    } catch (error) {
      if (failures.size < MAX_FRAMES) failures.set(key, error);
      throw error;
    }
  }

  function clear(): void {
    frames.clear();
    if (failures.size > 0) failures.clear();
    heartbeat = undefined;
    last = undefined;
  }

  return {
    frameAfter: (cursor) => frames.get(cursor ?? "") ?? encode(cursor),
    heartbeat(now) {
      if (heartbeat?.now !== now) {
        const text = heartbeatFrame({ cursor: replica.cursor, now });
        heartbeat = { now, frame: frameOf(text) };
      }
      return heartbeat.frame;
    },
    changed(applied) {
      clear();
      last = applied;
    },
    clear,
  };
}

/** Frames by cursor, bounded in number and bytes. */
interface FrameMap {
  get(key: Cursor | ""): Frame | undefined;
  add(key: Cursor | "", frame: Frame): void;
  clear(): void;
}

function frameMap(): FrameMap {
  /** The frame that nearly all readers need. A map for it would be filled and cleared at each change. */
  let first: { readonly key: Cursor | ""; readonly frame: Frame } | undefined;
  const others = new Map<Cursor | "", Frame>();
  /** The keys of frames above the bound. They are dropped at the next turn of the event loop. */
  let passing: (Cursor | "")[] = [];
  let keptBytes = 0;
  let timer: Timer | undefined;

  function get(key: Cursor | ""): Frame | undefined {
    return first !== undefined && key === first.key ? first.frame : others.get(key);
  }

  function add(key: Cursor | "", frame: Frame): void {
    const count = others.size + (first === undefined ? 0 : 1);
    if (count >= MAX_FRAMES || get(key) !== undefined) return;
    const isKept = keptBytes + frame.size <= MAX_KEPT_BYTES;
    if (isKept) keptBytes += frame.size;
    if (isKept && first === undefined) first = { key, frame };
    else others.set(key, frame);
    if (isKept) return;
    passing.push(key);
    timer ??= after(0, dropPassing);
  }

  function dropPassing(): void {
    timer = undefined;
    for (const key of passing) others.delete(key);
    passing = [];
  }

  function clear(): void {
    first = undefined;
    keptBytes = 0;
    if (others.size > 0) others.clear();
    if (timer !== undefined) clearTimeout(timer);
    timer = undefined;
    passing.length = 0;
  }

  return { get, add, clear };
}
