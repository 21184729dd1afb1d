/**
 * The owner of a slot, which the hub's clock drives: an open stream, a stream answer that was not subscribed to yet, or
 * a held poll.
 */
export interface Reader {
  /** @param now - By `elapsed`. */
  tick(now: number): void;
  /** Asks the reader to leave by a time, because the server drains. */
  leaveBy(at: number): void;
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
    destroyAll: () => each((reader) => reader.destroy()),
  };
}
