import { type Cursor, type CursorParts, parseCursor } from "@emlinh/progress-protocol";
import type { ChangeNotification } from "./change-notification.js";
import type { WatchKey } from "./watch-key.js";

/**
 * Knows the newest version of each watched job, so that a change wakes the watchers once, although several sources
 * report it. Lists are tracked in the same way. A notification of a list has no cursor, so a change of a list wakes its
 * watchers at the next poll once more.
 */
export interface VersionTracker {
  /** Tracks a key until the returned function is called. Idempotent. A key may be tracked several times. */
  track(key: WatchKey): () => void;
  keys(): readonly WatchKey[];
  /** Wakes the watchers of the key, unless the change is known. */
  onNotification(notification: ChangeNotification): void;
  /**
   * Wakes the watchers of the polled keys that have changed since they were last seen.
   *
   * @param cursors - The cursors of those of the keys that have one.
   * @returns whether there was a change that no notification had reported.
   */
  onPoll(keys: readonly WatchKey[], cursors: ReadonlyMap<WatchKey, Cursor>): boolean;
  /** Forgets all versions, after a time in which notifications may have been lost. */
  forgetVersions(): void;
  clear(): void;
}

interface Tracked {
  count: number;
  /** The newest known cursor; `null` if there was none, `undefined` if unknown. */
  cursor: Cursor | null | undefined;
}

/** @param wake - Wakes the watchers of a key. The version is absent if versions may have started again. */
export function versionTracker(wake: (key: WatchKey, version?: number) => void): VersionTracker {
  const tracked = new Map<WatchKey, Tracked>();

  /** Records a change and wakes the watchers, unless it is known. Returns whether it was new. */
  function advance(key: string, known: Tracked, cursor: Cursor | undefined): boolean {
    const [from, to] = [parseCursor(known.cursor), parseCursor(cursor)];
    if (isKnown(from, to)) return false;
    known.cursor = to === undefined ? undefined : cursor;
    const isNewEpoch = from !== undefined && from.epoch !== to?.epoch;
    wake(key, isNewEpoch ? undefined : to?.version);
    return true;
  }

  /** Records what a poll found. Returns whether it is a change that should have been notified. */
  function recordPoll(key: string, cursor: Cursor | null): boolean {
    const known = tracked.get(key);
    if (known === undefined || known.cursor === cursor) return false;
    if (cursor !== null && typeof known.cursor === "string") return advance(key, known, cursor);
    // Seen for the first time, removed, or created.
    known.cursor = cursor;
    wake(key);
    return false;
  }

  return {
    track(key) {
      const known = tracked.get(key) ?? { count: 0, cursor: undefined };
      known.count += 1;
      tracked.set(key, known);
      let isTracked = true;
      return () => {
        if (!isTracked) return;
        isTracked = false;
        known.count -= 1;
        if (known.count === 0 && tracked.get(key) === known) tracked.delete(key);
      };
    },
    keys: () => [...tracked.keys()],
    onNotification({ key, cursor }) {
      const known = tracked.get(key);
      if (known !== undefined) advance(key, known, cursor);
    },
    onPoll: (keys, cursors) =>
      keys.filter((key) => recordPoll(key, cursors.get(key) ?? null)).length > 0,
    forgetVersions() {
      for (const known of tracked.values()) known.cursor = undefined;
    },
    clear: () => tracked.clear(),
  };
}

function isKnown(from: CursorParts | undefined, to: CursorParts | undefined): boolean {
  return (
    from !== undefined && to !== undefined && from.epoch === to.epoch && from.version >= to.version
  );
}
