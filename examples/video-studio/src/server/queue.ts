/** Options of {@link createQueue}. */
export interface QueueOptions<Entry> {
  /** Works on one entry. The next one begins when the promise settles. Must not reject: the queue drops the error. */
  readonly work: (entry: Entry) => Promise<void>;
  /** Called with the new position of a waiting entry: 1 is next. Must not throw. */
  readonly onMove: (entry: Entry, position: number) => void;
  /** Entries that may wait behind the current one. */
  readonly maxWaiting: number;
}

/** A slot of the queue that is kept free while its entry is created. */
interface Reservation<Entry> {
  /**
   * Puts an entry into the slot, once.
   *
   * @returns the position: 0 if it is worked on, 1 if it is next, `undefined` if the queue was closed in the meantime.
   */
  add(entry: Entry): number | undefined;
  /** Frees the slot if it has no entry. Idempotent. */
  release(): void;
}

/** Works on one entry at a time, first come first served, with a limit on the entries that wait. */
export interface Queue<Entry> {
  /** Reserves a slot. Returns `undefined` if the queue is full or closed. */
  reserve(): Reservation<Entry> | undefined;
  /** The first entry that matches, including the current one. */
  find(matches: (entry: Entry) => boolean): Entry | undefined;
  /** Removes a waiting entry. @returns whether it was waiting. */
  remove(entry: Entry): boolean;
  /** Accepts and begins no more entries. @returns the entries that were waiting. */
  close(): readonly Entry[];
  /** Resolves when no entry is worked on. */
  idle(): Promise<void>;
}

/** Creates an empty queue. */
export function createQueue<Entry>(options: QueueOptions<Entry>): Queue<Entry> {
  const { work, onMove, maxWaiting } = options;
  const waiting: Entry[] = [];
  let current: { readonly entry: Entry; readonly done: Promise<void> } | undefined;
  let reserved = 0;
  let isClosed = false;

  function beginNext(): void {
    const entry = current === undefined ? waiting.shift() : undefined;
    if (entry === undefined) return;
    current = { entry, done: work(entry).then(endCurrent, endCurrent) };
    reportPositions(0);
  }

  function endCurrent(): void {
    current = undefined;
    beginNext();
  }

  /** Every entry from this index on has moved. */
  function reportPositions(from: number): void {
    for (const [index, entry] of waiting.entries()) if (index >= from) onMove(entry, index + 1);
  }

  function add(entry: Entry): number | undefined {
    if (isClosed) return undefined;
    waiting.push(entry);
    beginNext();
    if (current?.entry === entry) return 0;
    reportPositions(waiting.length - 1);
    return waiting.length;
  }

  return {
    reserve() {
      const taken = reserved + waiting.length + (current === undefined ? 0 : 1);
      if (isClosed || taken > maxWaiting) return undefined;
      reserved += 1;
      return reservation(add, () => {
        reserved -= 1;
      });
    },
    find(matches) {
      const entries = current === undefined ? waiting : [current.entry, ...waiting];
      return entries.find(matches);
    },
    remove(entry) {
      const index = waiting.indexOf(entry);
      if (index < 0) return false;
      waiting.splice(index, 1);
      reportPositions(index);
      return true;
    },
    close() {
      isClosed = true;
      return waiting.splice(0);
    },
    idle: async () => current?.done,
  };
}

/** @param free - Frees the slot. Called once. */
function reservation<Entry>(
  add: (entry: Entry) => number | undefined,
  free: () => void,
): Reservation<Entry> {
  let isReleased = false;
  const release = (): void => {
    if (!isReleased) free();
    isReleased = true;
  };
  return {
    release,
    add(entry) {
      release();
      return add(entry);
    },
  };
}
