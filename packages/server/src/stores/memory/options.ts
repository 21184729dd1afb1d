import { checksFor } from "../../shared/option-checks.js";
import { elapsed } from "../../shared/time.js";
import {
  resolveStoreLimits,
  type StoreLimits,
  type StoreOptions,
} from "../shared/store-options.js";

/** Options of {@link memoryStore}. `undefined` means the default, `Infinity` lifts a bound. */
export interface MemoryStoreOptions extends StoreOptions {
  /**
   * Jobs kept. At the bound the job that ended first is removed; while none has ended, `create` throws `store-full`.
   * @defaultValue `100_000`
   */
  readonly maxJobs?: number | undefined;
  /**
   * Ids of removed jobs that are remembered, to answer `job-expired` instead of `job-not-found`. The oldest are dropped
   * first; `0` for none. @defaultValue `100_000`
   */
  readonly maxTombstones?: number | undefined;
  /**
   * Milliseconds since the epoch, for the times that readers get. A clock that is given here also measures leases,
   * deadlines and TTLs; by default they are measured by a monotonic clock, so that a correction of the time of day ends
   * no job. @defaultValue `Date.now`
   */
  readonly clock?: (() => number) | undefined;
}

/** The options of a memory store, all present. */
export interface MemoryStoreSettings extends StoreLimits {
  readonly maxJobs: number;
  readonly maxTombstones: number;
  readonly clock: () => number;
  /** Measures leases, deadlines and TTLs, in milliseconds since any moment. */
  readonly timer: () => number;
  /** The moment of a time of day, by the timer. */
  readonly timerAt: (now: number) => number;
}

/** The type makes a missing name an error. */
const OWN_NAMES: {
  readonly [Name in Exclude<keyof MemoryStoreOptions, keyof StoreOptions>]-?: true;
} = {
  maxJobs: true,
  maxTombstones: true,
  clock: true,
};

/** Fills in the defaults and checks the options. */
export function resolveMemoryOptions(options: MemoryStoreOptions): MemoryStoreSettings {
  const checks = checksFor("memoryStore", "memoryStore({ ttlMs: 60_000 })");
  const limits = resolveStoreLimits(options, checks, OWN_NAMES);
  const { clock } = options;
  checks.callback("clock", clock);
  return Object.freeze({
    ...limits,
    maxJobs: checks.count("maxJobs", options.maxJobs ?? 100_000, 1),
    maxTombstones: checks.count("maxTombstones", options.maxTombstones ?? 100_000, 0),
    clock: clock ?? Date.now,
    timer: clock ?? elapsed,
    timerAt: (now: number) => (clock === undefined ? elapsed() + (now - Date.now()) : now),
  });
}
