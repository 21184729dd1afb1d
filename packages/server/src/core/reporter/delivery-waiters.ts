import type { ProgressError } from "@emlinh/progress-protocol";
import { keepProcessAlive } from "../../shared/time.js";

/**
 * The callers that wait until their changes are stored. Changes are numbered in the order in which they were added.
 * While a caller waits, the process stays alive: the timers that try again would not keep it.
 */
export interface DeliveryWaiters {
  /** Resolves when all changes up to this number are stored. */
  wait(upTo: number): Promise<void>;
  /** All changes up to this number are stored. */
  resolve(upTo: number): void;
  /** The change with this number was refused. */
  reject(upTo: number, error: ProgressError): void;
  /** Nothing will be stored any more. */
  rejectAll(error: ProgressError): void;
}

interface Waiter {
  readonly upTo: number;
  resolve(): void;
  reject(error: ProgressError): void;
}

/** Starts without waiters. */
export function deliveryWaiters(): DeliveryWaiters {
  let waiters: readonly Waiter[] = [];
  let letProcessExit = (): void => {};

  function set(next: readonly Waiter[]): void {
    if (waiters.length === 0 && next.length > 0) letProcessExit = keepProcessAlive();
    else if (next.length === 0) letProcessExit();
    waiters = next;
  }

  function take(isConcerned: (waiter: Waiter) => boolean): readonly Waiter[] {
    const taken = waiters.filter(isConcerned);
    set(waiters.filter((waiter) => !taken.includes(waiter)));
    return taken;
  }

  return {
    wait: (upTo) =>
      new Promise((resolve, reject) => {
        set([...waiters, { upTo, resolve, reject }]);
      }),
    resolve(upTo) {
      for (const waiter of take((each) => each.upTo <= upTo)) waiter.resolve();
    },
    reject(upTo, error) {
      for (const waiter of take((each) => each.upTo === upTo)) waiter.reject(error);
    },
    rejectAll(error) {
      for (const waiter of take(() => true)) waiter.reject(error);
    },
  };
}
