/** Items in the order of their numbers, which are given in rising order. */
export interface JobOrder<Item> {
  readonly size: number;
  /** Adds an item, whose number is above all others. */
  add(item: Item): void;
  remove(item: Item): void;
  /** The items whose numbers are below `number`: at most `limit`, the highest first. */
  below(number: number, limit: number): readonly Item[];
}

/** Items in one block. A removal moves the items of one block only. */
const BLOCK_SIZE = 256;

/**
 * An ordered list in blocks of a few hundred items, none of which is empty. An addition, a removal and a page cost a
 * binary search over the blocks and a step within one, however many items there are and whichever are removed.
 */
export function jobOrder<Item extends { readonly number: number }>(): JobOrder<Item> {
  const blocks: Item[][] = [];
  let size = 0;

  /** The index of the last block that begins below a number; −1 if none does. */
  function blockBelow(number: number): number {
    return countBelow(blocks, number, ([first]) => first?.number ?? 0) - 1;
  }

  return {
    get size() {
      return size;
    },
    add(item) {
      const last = blocks.at(-1);
      if (last === undefined || last.length >= BLOCK_SIZE) blocks.push([item]);
      else last.push(item);
      size += 1;
    },
    remove(item) {
      const index = blockBelow(item.number + 1);
      const block = blocks[index] ?? [];
      const place = countBelow(block, item.number, numberOf);
      if (block[place] !== item) return;
      block.splice(place, 1);
      if (block.length === 0) blocks.splice(index, 1);
      size -= 1;
    },
    below(number, limit) {
      const found: Item[] = [];
      for (let index = blockBelow(number); index >= 0 && found.length < limit; index -= 1) {
        const block = blocks[index] ?? [];
        const end = countBelow(block, number, numberOf);
        found.push(...block.slice(Math.max(0, end - limit + found.length), end).reverse());
      }
      return found;
    },
  };
}

function numberOf({ number }: { readonly number: number }): number {
  return number;
}

/** How many of the items, which are sorted, have a number below a limit. */
function countBelow<Item>(
  items: readonly Item[],
  limit: number,
  numberOf: (item: Item) => number,
): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numberOf(items[middle] as Item) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
