/** Listeners by event name. One that throws does not keep the others from being called. */
export interface Listeners<Events> {
  /** @returns a function that removes the listener. Idempotent. */
  add<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
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
    add(name, call) {
      const entry = { name, call };
      all.add(entry);
      return () => {
        all.delete(entry);
        queueMicrotask(() => {
          if (all.size === 0) onEmpty?.();
        });
      };
    },
    emit(name, event) {
      // An event that a listener causes is delivered after the present one: every listener gets all events in one
      // order.
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
