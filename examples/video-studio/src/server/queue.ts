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
  let waiting: Entry[] = [];
  let current: { readonly entry: Entry; readonly done: Promise<void> } | undefined;
  let reserved = 0;
  let isClosed = false;

  function next(): void {
    if (current !== undefined || isClosed) return;
    const entry = waiting.shift();
    if (entry === undefined) return;
    const proceed = (): void => {
      current = undefined;
      next();
    };
    current = { entry, done: work(entry).then(proceed, proceed) };
    reportPositions(0);
  }

  /** Every entry from this index on has moved. */
  function reportPositions(from: number): void {
    for (const [index, entry] of waiting.entries()) if (index >= from) onMove(entry, index + 1);
  }

  function add(entry: Entry): number | undefined {
    if (isClosed) return undefined;
    waiting.push(entry);
    next();
    if (current?.entry === entry) return 0;
    reportPositions(waiting.length - 1);
    return waiting.length;
  }

  return {
    reserve() {
      const taken = reserved + waiting.length + (current === undefined ? 0 : 1);
      if (isClosed || taken > maxWaiting) return undefined;
      reserved += 1;
      let isOpen = true;
      const release = (): void => {
        if (isOpen) reserved -= 1;
        isOpen = false;
      };
      return {
        release,
        add(entry) {
          release();
          return add(entry);
        },
      };
    },
    find(matches) {
      if (current !== undefined && matches(current.entry)) return current.entry;
      return waiting.find(matches);
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
      const left = waiting;
      waiting = [];
      return left;
    },
    async idle() {
      await current?.done;
    },
  };
}
