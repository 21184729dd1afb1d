/** Items by the time at which each is due; the earliest is at hand, and an item can be moved. */
export interface DueQueue<Item> {
  /** Puts an item in, or moves it. O(log n). `Infinity` is never due. */
  set(item: Item, at: number): void;
  /** Takes an item out, if it is in. O(log n). */
  delete(item: Item): void;
  /** The earliest item that is due at `now`. O(1). */
  due(now: number): Item | undefined;
  clear(): void;
}

/** A binary heap that knows where each item stands: one entry per item, however often it is moved. */
export function dueQueue<Item>(): DueQueue<Item> {
  const heap: { readonly item: Item; readonly at: number }[] = [];
  const places = new Map<Item, number>();

  function place(index: number, entry: { readonly item: Item; readonly at: number }): void {
    heap[index] = entry;
    places.set(entry.item, index);
  }

  function rise(from: number, entry: { readonly item: Item; readonly at: number }): number {
    let index = from;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1];
      if (parent === undefined || parent.at <= entry.at) break;
      place(index, parent);
      index = (index - 1) >> 1;
    }
    return index;
  }

  function sink(from: number, entry: { readonly item: Item; readonly at: number }): number {
    let index = from;
    for (;;) {
      const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left;
      if (child === undefined || child.at >= entry.at) return index;
      const next = child === left ? 2 * index + 1 : 2 * index + 2;
      place(index, child);
      index = next;
    }
  }

  /** Puts an entry where it belongs, beginning at a free place. */
  function settle(index: number, entry: { readonly item: Item; readonly at: number }): void {
    place(sink(rise(index, entry), entry), entry);
  }

  return {
    set(item, at) {
      settle(places.get(item) ?? heap.length, { item, at });
    },
    delete(item) {
      const index = places.get(item);
      const last = heap.at(-1);
      if (index === undefined || last === undefined) return;
      heap.pop();
      places.delete(item);
      if (index < heap.length) settle(index, last);
    },
    due(now) {
      const first = heap[0];
      return first !== undefined && first.at <= now ? first.item : undefined;
    },
    clear() {
      heap.length = 0;
      places.clear();
    },
  };
}
