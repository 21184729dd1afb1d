/** Notices that somebody has said nothing for too long. */
export interface Watchdog {
  /** Aborts once, when the time is over. */
  readonly signal: AbortSignal;
  /** There was a word: the time begins anew. */
  reset(): void;
  stop(): void;
}

/** A watchdog whose time runs from now on. */
export function createWatchdog(silenceMs: number): Watchdog {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), silenceMs);
  return {
    signal: aborter.signal,
    reset: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  };
}
