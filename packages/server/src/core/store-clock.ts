/**
 * An estimate of the store's clock. All times of a job come from that clock, since the clocks of a worker and of a web
 * server may be hours apart.
 */
export interface StoreClock {
  /**
   * The store's time, in milliseconds since the epoch. It is late by at most the time that a reply of the store takes,
   * and never ahead, so that no time of a job is later than one that the store sets afterwards.
   */
  now(): number;
  /**
   * Learns from the time in a reply.
   *
   * @param storeNow - The store's time when it answered.
   * @param sentAt - The local time when it was asked.
   */
  observe(storeNow: number, sentAt: number): void;
}

/**
 * Assumes until the first reply that both clocks show the same time.
 *
 * @param clock - The local clock, in milliseconds since the epoch.
 */
export function createStoreClock(clock: () => number): StoreClock {
  let offsetMs: number | undefined;
  return {
    now: () => Math.round(clock() + (offsetMs ?? 0)),
    observe(storeNow, sentAt) {
      // The store answered between the two local times, so the offset lies between these bounds. The lower one is
      // never ahead. A higher one of an earlier reply is more accurate, unless a clock was corrected since.
      const [lowest, highest] = [storeNow - clock(), storeNow - sentAt];
      if (!Number.isFinite(lowest)) return;
      if (offsetMs === undefined || offsetMs < lowest || offsetMs > highest) offsetMs = lowest;
    },
  };
}
