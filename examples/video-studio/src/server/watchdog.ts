/** Detects that another process has sent nothing for too long. */
export interface Watchdog {
  /** Aborts when the time has passed. */
  readonly signal: AbortSignal;
  /** Starts the time again, after a message. */
  reset(): void;
  stop(): void;
}

/** Creates a watchdog. Its time starts now. */
export function createWatchdog(silenceMs: number): Watchdog {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), silenceMs);
  return {
    signal: aborter.signal,
    reset: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  };
}
