import type { DisconnectTarget } from "../disconnect-target.js";

/**
 * The owner of a slot, which the hub's clock drives: an open stream, a stream answer that was not subscribed to yet, or
 * a held poll.
 */
export interface Reader {
  /** Whether it reads the job or the subject of a target, if that names one. The hub compares the principals. */
  reads(target: DisconnectTarget): boolean;
  /** Who reads, as far as the app said so. */
  readonly principals: readonly string[];
  /** @param now - By `elapsed`. */
  tick(now: number): void;
  /** Asks the reader to leave by a time, because the server drains. */
  leaveBy(at: number): void;
  /** Sends the reader away at once, because its permission is withdrawn. @returns `false` if it was leaving already. */
  revoke(): boolean;
  /** Ends the reader now. Its slot is free at the end of this turn of the event loop. */
  destroy(): void;
}

/** The readers of a hub. One that fails stops neither the others nor the caller. */
export interface Readers extends Pick<Reader, "tick"> {
  add(reader: Reader): void;
  remove(reader: Reader): void;
  isEmpty(): boolean;
  /** Asks each reader to leave. @param time - Called once for each of them. */
  leaveBy(time: () => number): void;
  /** Sends those away that a test picks. @returns their number. */
  revoke(isRevoked: (reader: Reader) => boolean): number;
  destroyAll(): void;
}

/** Starts with none. @param onFault - Called with each error of a reader. Must not throw. */
export function createReaders(onFault: (error: unknown) => void): Readers {
  const readers = new Set<Reader>();

  /** Any reader may be removed meanwhile. */
  function each(call: (reader: Reader) => void): void {
    for (const reader of readers) {
      try {
        call(reader);
      } catch (error) {
        onFault(error);
      }
    }
  }

  return {
    add: (reader) => void readers.add(reader),
    remove: (reader) => void readers.delete(reader),
    isEmpty: () => readers.size === 0,
    tick: (now) => each((reader) => reader.tick(now)),
    leaveBy: (time) => each((reader) => reader.leaveBy(time())),
    revoke(isRevoked) {
      let count = 0;
      each((reader) => {
        if (isRevoked(reader) && reader.revoke()) count += 1;
      });
      return count;
    },
    destroyAll: () => each((reader) => reader.destroy()),
  };
}
