/** Items that are handled at the end of the present turn of the event loop. */
export interface TurnQueue<Item> {
  /** Adds an item, at most once per turn. */
  add(item: Item): void;
}

/** Runs a function after the callbacks of the present turn. Not every runtime has `setImmediate`. */
function atEndOfTurn(run: () => void): void {
  if (typeof setImmediate === "function") setImmediate(run);
  else setTimeout(run, 0);
}

/** Makes an empty queue. @param handle - Must not throw. */
export function turnQueue<Item>(handle: (item: Item) => void): TurnQueue<Item> {
  let items: Item[] = [];

  function endTurn(): void {
    const handled = items;
    items = [];
    for (const item of handled) handle(item);
  }

  return {
    add(item) {
      if (items.push(item) === 1) atEndOfTurn(endTurn);
    },
  };
}
