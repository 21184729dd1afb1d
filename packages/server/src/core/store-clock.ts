/**
 * An estimate of the store's clock. All times of a job come from that clock, since the clocks of a worker and of a web
 * server may be hours apart.
 */
export interface StoreClock {
  /** The store's time, in milliseconds since the epoch, accurate to the time that a call of the store takes. */
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
 * Starts with the assumption that both clocks show the same time.
 *
 * @param clock - The local clock, in milliseconds since the epoch.
 */
export function createStoreClock(clock: () => number): StoreClock {
  let offsetMs = 0;
  return {
    now: () => clock() + offsetMs,
    observe(storeNow, sentAt) {
      // The store answered between the two local times, so the offset lies between these bounds. An offset that fits is
      // kept: each reply can only narrow the estimate, and the time does not jitter with the network.
      const [lowest, highest] = [storeNow - clock(), storeNow - sentAt];
      offsetMs = Math.round(Math.max(lowest, Math.min(highest, offsetMs)));
    },
  };
}
