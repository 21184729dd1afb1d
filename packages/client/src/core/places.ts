/** A number of places, given out in the order of asking. */
export interface Places {
  /** Calls `give` once there is a place: at once, or when another one is left. The function given back leaves it, or the queue. */
  take(give: () => void): () => void;
}

/** @param max - Places in all; `Infinity` for no bound. */
export function makePlaces(max: number): Places {
  const queue: { give(): void }[] = [];
  let taken = 0;

  const fill = (): void => {
    while (taken < max) {
      const next = queue.shift();
      if (next === undefined) return;
      taken += 1;
      next.give();
    }
  };

  return {
    take(give) {
      const asked = { give };
      queue.push(asked);
      fill();
      return () => {
        const at = queue.indexOf(asked);
        if (at >= 0) queue.splice(at, 1);
        else taken -= 1;
        fill();
      };
    },
  };
}
