/** Listeners by event name. One that throws does not keep the others from being called. */
export interface Listeners<Events> {
  /** @returns a function that removes the listener. Idempotent. */
  add<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
  readonly count: number;
}

/** @param onError - Receives the errors that listeners throw. */
export function listenerSet<Events>(onError: (error: unknown) => void): Listeners<Events> {
  const all = new Set<{ readonly name: keyof Events; call(event: never): void }>();
  const queue: (() => void)[] = [];

  function deliver<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const entry of [...all]) {
      // An earlier listener may have removed this one.
      if (entry.name !== name || !all.has(entry)) continue;
      // There is one end, and a listener that is added after it gets it too.
      if (name === "end") all.delete(entry);
      try {
        entry.call(event as never);
      } catch (error) {
        onError(error);
      }
    }
  }

  return {
    get count() {
      return all.size;
    },
    add(name, call) {
      const entry = { name, call };
      all.add(entry);
      return () => void all.delete(entry);
    },
    emit(name, event) {
      // An event that a listener causes is delivered after the present one, so that every listener gets all events in one order.
      queue.push(() => deliver(name, event));
      if (queue.length > 1) return;
      try {
        for (const next of queue) next();
      } finally {
        queue.length = 0;
      }
    },
  };
}
