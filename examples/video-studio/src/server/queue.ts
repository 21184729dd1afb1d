/** What a queue does with its entries. */
export interface QueueOptions<Entry> {
  /** Works on one entry; the next one begins when it settles. Must not reject: a fault of it is told to nobody here. */
  readonly work: (entry: Entry) => Promise<void>;
  /** A waiting entry has this position now: 1 is next. Must not throw. */
  readonly onMove: (entry: Entry, position: number) => void;
  /** Entries that may wait behind the one at work. */
  readonly maxWaiting: number;
}

/** A place that is kept free while something is made to put into it. */
interface Place<Entry> {
  /** Puts an entry there, once. @returns Its position: 0 if it is at work, 1 if it is next; `undefined` if the queue was closed meanwhile. */
  take(entry: Entry): number | undefined;
  /** Gives the place back if nothing was put there. Idempotent. */
  release(): void;
}

/** One at a time, in the order in which they came, and never more than fit. */
export interface Queue<Entry> {
  /** A place, or `undefined` if there is none left, or the queue is closed. */
  reserve(): Place<Entry> | undefined;
  /** The first entry of which this is true, the one at work included. */
  find(matches: (entry: Entry) => boolean): Entry | undefined;
  /** Takes a waiting entry out. @returns Whether it was waiting. */
  remove(entry: Entry): boolean;
  /** Lets nothing in and begins nothing any more. @returns The entries that waited. */
  close(): readonly Entry[];
  /** Resolves when nothing is at work. */
  idle(): Promise<void>;
}

/** An empty queue. */
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
    tellPositions(0);
  }

  /** All who stand at or behind an index have moved. */
  function tellPositions(from: number): void {
    for (const [index, entry] of waiting.entries()) if (index >= from) onMove(entry, index + 1);
  }

  function put(entry: Entry): number | undefined {
    if (isClosed) return undefined;
    waiting.push(entry);
    next();
    if (current?.entry === entry) return 0;
    tellPositions(waiting.length - 1);
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
        take(entry) {
          release();
          return put(entry);
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
      tellPositions(index);
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
