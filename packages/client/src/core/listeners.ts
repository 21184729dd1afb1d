/** Listeners by event name. One that throws does not keep the others from being called. */
export interface Listeners<Events> {
  /** The number of listeners. */
  readonly size: number;
  /**
   * Adds a listener.
   *
   * @param present - Returns the events that tell the present state. With it the listener becomes active in a
   * microtask: it gets these events first, then each one that is emitted.
   * @returns a function that removes the listener. Idempotent.
   */
  add<Name extends keyof Events>(
    name: Name,
    listener: (event: Events[Name]) => void,
    present?: () => readonly Events[Name][],
  ): () => void;
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
}

interface Entry {
  readonly name: unknown;
  readonly call: (event: never) => void;
  isActive: boolean;
}

/**
 * Makes an empty set of listeners.
 *
 * @param onError - Receives the errors that listeners throw.
 * @param onEmpty - Called in a microtask after the last listener was removed, unless there is a new one by then: a
 * listener that is removed and added again at once, as React does, changes nothing.
 */
export function listenerSet<Events>(
  onError: (error: unknown) => void,
  onEmpty?: () => void,
): Listeners<Events> {
  const all = new Set<Entry>();
  const queue: (() => void)[] = [];

  /** An event that a listener causes is delivered after the present one: all listeners get all events in one order. */
  function enqueue(deliver: () => void): void {
    queue.push(deliver);
    if (queue.length > 1) return;
    try {
      for (const next of queue) next();
    } finally {
      queue.length = 0;
    }
  }

  function call(entry: Entry, event: unknown): void {
    // An earlier listener may have removed this one.
    if (!all.has(entry)) return;
    // There is one end.
    if (entry.name === "end") all.delete(entry);
    try {
      entry.call(event as never);
    } catch (error) {
      onError(error);
    }
  }

  return {
    get size() {
      return all.size;
    },
    add(name, listener, present) {
      const entry: Entry = { name, call: listener, isActive: !present };
      all.add(entry);
      const activate = (): void => {
        entry.isActive = true;
        for (const event of present?.() ?? []) call(entry, event);
      };
      if (present) queueMicrotask(() => enqueue(activate));
      return () => {
        all.delete(entry);
        queueMicrotask(() => {
          if (all.size === 0) onEmpty?.();
        });
      };
    },
    emit(name, event) {
      enqueue(() => {
        for (const entry of [...all]) if (entry.name === name && entry.isActive) call(entry, event);
      });
    },
  };
}

/** Adds a listener to changes, and calls it at once. @returns a function that removes it. */
export function addAndTell(
  listeners: Pick<Listeners<{ change: unknown }>, "add">,
  listener: () => void,
  onError: (error: unknown) => void,
): () => void {
  const remove = listeners.add("change", listener);
  try {
    listener();
  } catch (error) {
    onError(error);
  }
  return remove;
}
