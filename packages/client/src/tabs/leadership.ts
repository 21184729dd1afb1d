/** The Web Locks that are used: those of `navigator.locks`, or another implementation with the same rules. */
export type TabLocks = Pick<LockManager, "request" | "query">;

/** The right of one page at a time to have the connection for all. */
export interface Leadership {
  /** Waits for the lock. */
  wait(): void;
  /** Takes the lock from the page that holds it. */
  steal(): void;
  /** Gives the lock back, or the place in the queue. */
  leave(): void;
}

/** The events of a {@link Leadership}. */
export interface LeadershipListener {
  /** This page has the lock. */
  onLead(): void;
  /** Another page took the lock. */
  onStolen(): void;
  /** The platform refuses locks to this page. */
  onRefused(): void;
}

/** @param name - The name of the lock. */
export function leadership(
  locks: TabLocks,
  name: string,
  { onLead, onStolen, onRefused }: LeadershipListener,
): Leadership {
  /** The present request; gone once it was left. A request that is not the present one has no effect. */
  let leaveRequest: (() => void) | undefined;

  function request(steal: boolean): void {
    leaveRequest?.();
    const abort = new AbortController();
    let release: (() => void) | undefined;
    const leave = (): void => {
      if (leaveRequest === leave) leaveRequest = undefined;
      abort.abort();
      release?.();
    };
    leaveRequest = leave;
    const hold = (): Promise<void> | undefined => {
      if (leaveRequest !== leave) return undefined;
      return new Promise((resolve) => {
        release = resolve;
        onLead();
      });
    };
    const onError = (error: unknown): void => {
      if (leaveRequest !== leave) return;
      leaveRequest = undefined;
      if (isAbort(error)) onStolen();
      else onRefused();
    };
    // A request that steals can't have a signal.
    const options = steal ? { steal } : { signal: abort.signal };
    requestLock(locks, name, options, hold).catch(onError);
  }

  return {
    wait: () => request(false),
    steal: () => request(true),
    leave: () => leaveRequest?.(),
  };
}

/** Requests a lock. It rejects where the function of the platform throws. */
export async function requestLock(
  locks: TabLocks,
  name: string,
  options: LockOptions,
  onHeld: () => Promise<void> | undefined,
): Promise<void> {
  await locks.request(name, options, onHeld);
}

/** Waits for a lock, and holds it until the signal aborts. */
export async function holdLock(
  locks: TabLocks,
  name: string,
  signal: AbortSignal,
  onHeld: () => void,
): Promise<void> {
  await requestLock(locks, name, { signal }, () => {
    if (signal.aborted) return undefined;
    onHeld();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
