import { asProgressError } from "../shared/errors.js";
import { after, elapsed, type Timer } from "../shared/time.js";
import type { GuardedStore } from "./guarded-store.js";
import { countSweep } from "./metrics.js";
import type { Settings } from "./options.js";
import type { SweepReport } from "./store.js";
import { type SuspensionDetector, suspensionDetector } from "./suspension.js";

/** Sweeps a store at intervals. */
export interface Sweeper {
  /** One sweep, now. @throws ProgressError as the store does. */
  sweep(): Promise<SweepReport>;
  /** Stops the timer. Idempotent. */
  close(): void;
}

/** The dependencies of a sweeper. */
export interface SweeperContext {
  readonly store: GuardedStore;
  readonly settings: Settings;
  /** Renews the leases of this process. */
  renewLeases(): void;
}

interface SweeperState extends SweeperContext {
  readonly suspension: SuspensionDetector;
  readonly intervalMs: number;
  /** Milliseconds between sweeps while this process does not use the store. */
  idleIntervalMs: number;
  /** When the last sweep began, by {@link elapsed}. */
  sweptAt: number;
  timer: Timer | undefined;
  /** Whether it waits for a lease because the process was suspended. */
  isPausing: boolean;
  isClosed: boolean;
}

/** Sweeps in a row while more jobs are due. After them, other work gets its turn. */
const MAX_ROUNDS = 20;

/** Milliseconds between the sweeps of a process that does nothing else, so that an idle database can rest. */
const MAX_IDLE_INTERVAL_MS = 60_000;

/**
 * Starts sweeping, unless `sweepIntervalMs` is `false`. Several processes may sweep one store; jitter keeps them from
 * sweeping at the same moment.
 *
 * While this process does not use the store and its sweeps find nothing, the interval doubles up to a minute.
 */
export function createSweeper(context: SweeperContext): Sweeper {
  const { store, settings } = context;
  const intervalMs = settings.sweepIntervalMs;
  const sweeper: SweeperState = {
    ...context,
    suspension: suspensionDetector(settings.clock, settings.leaseMs / 3),
    intervalMs: Number(intervalMs),
    idleIntervalMs: Number(intervalMs),
    sweptAt: elapsed(),
    timer: undefined,
    isPausing: false,
    isClosed: intervalMs === false,
  };
  schedule(sweeper, sweeper.intervalMs);
  return {
    sweep: () => sweepOnce(store, settings),
    close() {
      sweeper.isClosed = true;
      clearTimeout(sweeper.timer);
    },
  };
}

async function sweepOnce(
  store: GuardedStore,
  { sweepLimit, metrics }: Settings,
): Promise<SweepReport> {
  const report = await store.sweep(undefined, sweepLimit);
  countSweep(metrics, report);
  return report;
}

function schedule(sweeper: SweeperState, waitMs: number): void {
  if (sweeper.isClosed) return;
  const jitteredMs = waitMs * (0.8 + sweeper.settings.random() / 5);
  sweeper.suspension.begin(jitteredMs);
  // It handles its own errors, and schedules the next one when it is done.
  sweeper.timer = after(jitteredMs, () => void sweepOrRenew(sweeper));
}

async function sweepOrRenew(sweeper: SweeperState): Promise<void> {
  const { suspension, settings, renewLeases, intervalMs } = sweeper;
  const wasSuspended = suspension.ended();
  // The leases of this process may have run out while it was suspended.
  if (wasSuspended) renewLeases();
  if (wasSuspended && !sweeper.isPausing) {
    // The same holds for other processes of this machine. No lease is judged before everybody had the time to renew.
    sweeper.isPausing = true;
    schedule(sweeper, settings.leaseMs);
    return;
  }
  // A process whose timers are always late sweeps too, after each pause.
  sweeper.isPausing = false;
  if (isDue(sweeper)) await sweepAll(sweeper);
  schedule(sweeper, intervalMs);
}

/** A process that uses the store sweeps at each interval. One that does not sweeps more and more rarely. */
function isDue({ store, sweptAt, intervalMs, idleIntervalMs }: SweeperState): boolean {
  const isIdle = idleIntervalMs > intervalMs && store.usedAt() < sweptAt;
  return !isIdle || elapsed() - sweptAt >= idleIntervalMs;
}

/** Never rejects. */
async function sweepAll(sweeper: SweeperState): Promise<void> {
  const { store, settings, intervalMs } = sweeper;
  const wasUsed = store.usedAt() >= sweeper.sweptAt;
  sweeper.sweptAt = elapsed();
  let hasFound = false;
  try {
    for (let round = 0; round < MAX_ROUNDS && !sweeper.isClosed; round += 1) {
      const { more, ...counts } = await sweepOnce(store, settings);
      hasFound ||= Object.values(counts).some((count) => count > 0);
      if (!more) break;
    }
  } catch (error) {
    settings.onError(asProgressError(error, "A sweep failed."));
  }
  const longerMs = Math.max(intervalMs, Math.min(MAX_IDLE_INTERVAL_MS, sweeper.idleIntervalMs * 2));
  sweeper.idleIntervalMs = wasUsed || hasFound ? intervalMs : longerMs;
}
