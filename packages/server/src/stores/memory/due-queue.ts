/** Items ordered by the time at which each is due. The earliest item is found at once, and an item can be moved. */
export interface DueQueue<Item> {
  /**
   * Adds an item, or moves it to another time. `Infinity` is never due. O(log n), but O(1) for a later time: then the
   * move is done when the earlier time has come. A write puts off the transition that is due after a time of rest.
   */
  set(item: Item, at: number): void;
  /** Removes an item, if it is in the queue. O(log n). */
  delete(item: Item): void;
  /** The earliest item that is due at `now`. */
  due(now: number): Item | undefined;
  clear(): void;
}

interface Entry<Item> {
  readonly item: Item;
  /** The time by which it is placed. */
  at: number;
  /** The time at which it is due: `at`, or later. */
  dueAt: number;
  /** The place in the heap. */
  index: number;
}

/** A binary heap that knows the index of each item. It holds one entry per item, however often the item is moved. */
export function dueQueue<Item>(): DueQueue<Item> {
  const heap: Entry<Item>[] = [];
  const entries = new Map<Item, Entry<Item>>();
  return {
    set(item, at) {
      const known = entries.get(item);
      const entry = known ?? { item, at, dueAt: at, index: heap.length };
      entry.dueAt = at;
      if (known === undefined) entries.set(item, entry);
      if (known === undefined || at < entry.at) place(heap, entry.index, entry);
    },
    delete(item) {
      const entry = entries.get(item);
      const last = heap.at(-1);
      if (entry === undefined || last === undefined) return;
      heap.pop();
      entries.delete(item);
      if (last !== entry) place(heap, entry.index, last);
    },
    due(now) {
      for (let first = heap[0]; first !== undefined && first.at <= now; first = heap[0]) {
        if (first.dueAt === first.at) return first.item;
        place(heap, 0, first);
      }
      return undefined;
    },
    clear() {
      heap.length = 0;
      entries.clear();
    },
  };
}

type Heap<Item> = Entry<Item>[];

/** Places an entry by the time at which it is due, beginning at a free index. */
function place<Item>(heap: Heap<Item>, index: number, entry: Entry<Item>): void {
  entry.at = entry.dueAt;
  setAt(heap, siftDown(heap, siftUp(heap, index, entry), entry), entry);
}

function setAt<Item>(heap: Heap<Item>, index: number, entry: Entry<Item>): void {
  heap[index] = entry;
  entry.index = index;
}

/** Moves later parents down and returns the index that is free for the entry. */
function siftUp<Item>(heap: Heap<Item>, from: number, entry: Entry<Item>): number {
  let index = from;
  while (index > 0) {
    const parent = heap[(index - 1) >> 1];
    if (parent === undefined || parent.at <= entry.at) break;
    setAt(heap, index, parent);
    index = (index - 1) >> 1;
  }
  return index;
}

/** Moves earlier children up and returns the index that is free for the entry. */
function siftDown<Item>(heap: Heap<Item>, from: number, entry: Entry<Item>): number {
  let index = from;
  for (;;) {
    const next = earlierChild(heap, index);
    const child = heap[next];
    if (child === undefined || child.at >= entry.at) return index;
    setAt(heap, index, child);
    index = next;
  }
}

/** The index of the child that is due first. If there is no child, no entry has this index. */
function earlierChild(heap: readonly Entry<unknown>[], index: number): number {
  const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
  const isRight = left !== undefined && right !== undefined && right.at < left.at;
  return isRight ? 2 * index + 2 : 2 * index + 1;
}
