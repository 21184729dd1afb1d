import { asProgressError } from "../shared/errors.js";
import { after, type Timer } from "../shared/time.js";
import type { GuardedStore } from "./guarded-store.js";
import type { Settings } from "./options.js";
import type { SweepReport } from "./store.js";

/** Sweeps a store at intervals. */
export interface Sweeper {
  /** One sweep, now. @throws ProgressError as the store does. */
  sweep(): Promise<SweepReport>;
  /** Stops the timer. Idempotent. */
  close(): void;
}

/** Sweeps in a row while more jobs are due. After them, other work gets its turn. */
const MAX_ROUNDS = 20;

/**
 * Starts sweeping, unless `sweepIntervalMs` is `false`. Several processes may sweep one store; jitter keeps them from
 * sweeping at the same moment.
 */
export function createSweeper(store: GuardedStore, settings: Settings): Sweeper {
  const { sweepIntervalMs, sweepLimit, random, onError } = settings;
  let timer: Timer | undefined;
  let closed = false;

  const sweep = (): Promise<SweepReport> => store.sweep(undefined, sweepLimit);

  async function sweepAll(): Promise<void> {
    try {
      for (let round = 0; round < MAX_ROUNDS && !closed; round += 1) {
        if (!(await sweep()).more) break;
      }
    } catch (error) {
      onError(asProgressError(error, "A sweep failed."));
    } finally {
      schedule();
    }
  }

  function schedule(): void {
    if (closed || sweepIntervalMs === false) return;
    // It handles its own errors, and calls this function when it is done.
    timer = after(sweepIntervalMs * (0.8 + random() / 5), () => void sweepAll());
  }

  schedule();
  return {
    sweep,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
