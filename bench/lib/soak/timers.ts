import { createHook } from "node:async_hooks";

/** Counts the timers that are made from now on and still wait, those that do not keep the process alive too. */
export function countTimers(): () => number {
  const waiting = new Set<number>();
  createHook({
    init(id, type) {
      if (type === "Timeout") waiting.add(id);
    },
    destroy: (id) => void waiting.delete(id),
  }).enable();
  return () => waiting.size;
}
