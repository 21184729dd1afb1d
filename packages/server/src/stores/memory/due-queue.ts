/** Items ordered by the time at which each is due. The earliest item is found at once, and an item can be moved. */
export interface DueQueue<Item> {
  /** Adds an item, or moves it to another time. O(log n). `Infinity` is never due. */
  set(item: Item, at: number): void;
  /** Removes an item, if it is in the queue. O(log n). */
  delete(item: Item): void;
  /** The earliest item that is due at `now`. O(1). */
  due(now: number): Item | undefined;
  clear(): void;
}

interface Entry<Item> {
  readonly item: Item;
  readonly at: number;
}

/** A binary heap that knows the index of each item. It holds one entry per item, however often the item is moved. */
export function dueQueue<Item>(): DueQueue<Item> {
  const heap: Entry<Item>[] = [];
  const indexes = new Map<Item, number>();

  function setAt(index: number, entry: Entry<Item>): void {
    heap[index] = entry;
    indexes.set(entry.item, index);
  }

  /** Moves later parents down and returns the index that is free for the entry. */
  function siftUp(from: number, entry: Entry<Item>): number {
    let index = from;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1];
      if (parent === undefined || parent.at <= entry.at) break;
      setAt(index, parent);
      index = (index - 1) >> 1;
    }
    return index;
  }

  /** Moves earlier children up and returns the index that is free for the entry. */
  function siftDown(from: number, entry: Entry<Item>): number {
    let index = from;
    for (;;) {
      const next = earlierChild(heap, index);
      const child = heap[next];
      if (child === undefined || child.at >= entry.at) return index;
      setAt(index, child);
      index = next;
    }
  }

  /** Inserts an entry in heap order, beginning at a free index. */
  function insert(index: number, entry: Entry<Item>): void {
    setAt(siftDown(siftUp(index, entry), entry), entry);
  }

  return {
    set(item, at) {
      insert(indexes.get(item) ?? heap.length, { item, at });
    },
    delete(item) {
      const index = indexes.get(item);
      const last = heap.at(-1);
      if (index === undefined || last === undefined) return;
      heap.pop();
      indexes.delete(item);
      if (index < heap.length) insert(index, last);
    },
    due(now) {
      const first = heap[0];
      return first !== undefined && first.at <= now ? first.item : undefined;
    },
    clear() {
      heap.length = 0;
      indexes.clear();
    },
  };
}

/** The index of the child that is due first. If there is no child, no entry has this index. */
function earlierChild(heap: readonly Entry<unknown>[], index: number): number {
  const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
  const isRight = left !== undefined && right !== undefined && right.at < left.at;
  return isRight ? 2 * index + 2 : 2 * index + 1;
}
