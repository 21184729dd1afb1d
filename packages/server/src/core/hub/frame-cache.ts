import {
  type Cursor,
  deltaAfter,
  deltaFrame,
  heartbeatFrame,
  isEmpty,
  type Replica,
} from "@emlinh/progress-protocol";

/** The frames of one topic as bytes, encoded once for all readers that stand at the same cursor. */
export interface FrameCache {
  /** The changes after a cursor, as the bytes of one frame; `undefined` if there are none. */
  frameAfter(cursor: Cursor | undefined): Uint8Array | undefined;
  /** A heartbeat with the given server time. */
  heartbeat(now: number): Uint8Array;
  /** Drops the frames. Call it whenever the replica changed. */
  clear(): void;
}

/** Cursors at which frames are kept. Most readers stand at one or two; those that were skipped may stand anywhere. */
const MAX_FRAMES = 32;

const encoder = new TextEncoder();

/** Makes the cache of a replica. */
export function frameCache(replica: Replica): FrameCache {
  const frames = new Map<Cursor | "", Uint8Array>();
  let heartbeat: { readonly now: number; readonly bytes: Uint8Array } | undefined;

  return {
    frameAfter(cursor) {
      const cached = frames.get(cursor ?? "");
      if (cached !== undefined) return cached;
      const delta = deltaAfter(replica, cursor);
      if (isEmpty(delta)) return undefined;
      // All readers that need a reset need the same one, whichever cursor they came with.
      const key = delta.reset || cursor === undefined ? "" : cursor;
      const bytes = frames.get(key) ?? encoder.encode(deltaFrame(delta));
      if (frames.size < MAX_FRAMES) frames.set(key, bytes);
      return bytes;
    },
    heartbeat(now) {
      if (heartbeat?.now !== now) {
        const text = heartbeatFrame({ cursor: replica.cursor, now });
        heartbeat = { now, bytes: encoder.encode(text) };
      }
      return heartbeat.bytes;
    },
    clear() {
      frames.clear();
      heartbeat = undefined;
    },
  };
}
