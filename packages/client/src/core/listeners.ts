/** Listeners by the name of what they hear. One that throws doesn't keep the others from hearing. */
export interface Listeners<Events> {
  /** @returns a function that takes the listener off; calling it twice does no harm. */
  add<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
  /** How many there are. */
  count(): number;
}

/** @param onError - Gets what a listener threw. */
export function makeListeners<Events>(onError: (error: unknown) => void): Listeners<Events> {
  const all = new Set<{ readonly name: keyof Events; call(event: never): void }>();
  const queue: (() => void)[] = [];

  function deliver<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const entry of [...all]) {
      // One that was taken off by another listener just now hears no more.
      if (entry.name !== name || !all.has(entry)) continue;
      if (name === "end") all.delete(entry);
      try {
        entry.call(event as never);
      } catch (error) {
        onError(error);
      }
    }
  }

  return {
    count: () => all.size,
    add(name, call) {
      const entry = { name, call };
      all.add(entry);
      return () => void all.delete(entry);
    },
    emit(name, event) {
      // What a listener brings about is told after what it was told of: every listener hears all in one order.
      if (queue.push(() => deliver(name, event)) > 1) return;
      try {
        for (const tell of queue) tell();
      } finally {
        queue.length = 0;
      }
    },
  };
}
