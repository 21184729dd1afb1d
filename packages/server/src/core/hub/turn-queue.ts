/** Items that are handled at the end of the present turn of the event loop. */
export interface TurnQueue<Item> {
  /** Adds an item, at most once per turn. */
  add(item: Item): void;
}

/** After the callbacks of the present turn; a runtime without it has timers, which come a little later. */
const atEndOfTurn: (run: () => void) => unknown =
  typeof setImmediate === "function" ? setImmediate : (run) => setTimeout(run, 0);

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
