/** The part of an event emitter that is used. */
interface Emitter {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** Adds listeners by event name. Returns a function that removes them. */
export function addListeners(
  emitter: Emitter,
  listeners: { readonly [event: string]: (...args: unknown[]) => void },
): () => void {
  for (const [event, listener] of Object.entries(listeners)) emitter.on(event, listener);
  return () => {
    for (const [event, listener] of Object.entries(listeners)) emitter.off(event, listener);
  };
}
