import { type Cursor, parseCursor } from "@emlinh/progress-protocol";

/** What is known of a job's versions beyond those that were read: whether a read would tell something, and whose doing that is. */
export interface Hints {
  /** There is something new: that version, or, without one, nobody knows what. */
  note(version?: number): void;
  /** A read begins, which sees all that was noted. */
  reading(): void;
  /** A read brought the copy to a version; as a reset, maybe to one of another incarnation, whose versions began anew. */
  read(version: number, reset: boolean): void;
  /** Whether there may be more than was read. */
  isBehind(): boolean;
  /** Whether there may be more, and nobody knows whose. */
  isUnsure(): boolean;
  /** Whether another than this process has written something that wasn't read. Without versions in the hints nobody can tell. */
  isForeign(): boolean;
  /**
   * Does a write of this process' own. A version that it leaves out is another's.
   *
   * @param raises - Whether the write makes a version.
   */
  own(write: () => Promise<Cursor>, raises: boolean): Promise<Cursor>;
}

/** Hints of a job that isn't read yet. */
export function createHints(): Hints {
  /** Whether there may be something new at an unknown version. */
  let unsure = false;
  /** Whether an own write left out a version that wasn't read. */
  let skipped = false;
  /** The highest version that was noted since the last read began. */
  let noted = 0;
  let readUpTo = 0;
  /** The last version that was read, or written by this process: whose each one up to here is, is known. */
  let accounted = 0;
  let writing = 0;

  return {
    note(version) {
      if (version === undefined) unsure = true;
      else noted = Math.max(noted, version);
    },
    reading() {
      unsure = false;
      skipped = false;
      noted = 0;
    },
    read(version, reset) {
      readUpTo = version;
      accounted = reset ? version : Math.max(accounted, version);
    },
    isBehind: () => unsure || Math.max(noted, accounted) > readUpTo,
    isUnsure: () => unsure,
    // The hint of an own write may come before the write's answer.
    isForeign: () => skipped || noted > accounted + writing,
    async own(write, raises) {
      writing += 1;
      try {
        const cursor = await write();
        const version = parseCursor(cursor)?.version ?? 0;
        if (version > accounted + (raises ? 1 : 0)) skipped = true;
        accounted = Math.max(accounted, version);
        return cursor;
      } finally {
        writing -= 1;
      }
    },
  };
}
