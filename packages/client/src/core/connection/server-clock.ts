/** The clock of the server, as far as it is known. Milliseconds since the epoch. */
export interface ServerClock {
  /** Until the server has told its time, it is that of this device. */
  now(): number;
  /** @param serverNow - The time that the server has just told. */
  set(serverNow: number): void;
}

/** @param clock - The clock of this device, which may be wrong. */
export function serverClock(clock: () => number): ServerClock {
  /** Milliseconds that the server's clock is ahead of this device's. */
  let aheadMs = 0;
  let readAt = clock();

  function deviceNow(): number {
    const now = clock();
    // A clock that was set back is behind the server by so much more.
    if (now < readAt) aheadMs += readAt - now;
    readAt = now;
    return now;
  }

  return {
    now: () => deviceNow() + aheadMs,
    set(serverNow) {
      aheadMs = serverNow - deviceNow();
    },
  };
}
