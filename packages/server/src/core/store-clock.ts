import { elapsed } from "../shared/time.js";

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
   * @param sentAt - When it was asked, by the timer.
   */
  observe(storeNow: number, sentAt: number): void;
}

/**
 * Counts on from the store's replies by a monotonic timer, since the local time of day may be corrected at any moment.
 *
 * @param clock - The local time of day, which is used until the first reply.
 * @param timer - In milliseconds since any moment.
 */
export function createStoreClock(clock: () => number, timer: () => number = elapsed): StoreClock {
  let offsetMs: number | undefined;
  let repliedNow = 0;
  return {
    now() {
      if (offsetMs === undefined) return Math.floor(clock());
      return Math.max(repliedNow, Math.floor(timer() + offsetMs));
    },
    observe(storeNow, sentAt) {
      if (!Number.isFinite(storeNow)) return;
      repliedNow = storeNow;
      // The store answered between the two local times, so the offset lies between these bounds. The lower one is
      // never ahead. A higher one of an earlier reply is more accurate, unless the store's clock was corrected since.
      const [lowest, highest] = [storeNow - timer(), storeNow + 1 - sentAt];
      if (offsetMs === undefined || offsetMs < lowest || offsetMs > highest) offsetMs = lowest;
    },
  };
}
