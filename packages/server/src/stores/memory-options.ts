import { DEFAULT_MAX_LOG_LINES, ProgressError } from "@emlinh/progress-protocol";
import type { JobTtls } from "../core/endings.js";

/** What `memoryStore` takes. `undefined` means the default, `Infinity` lifts a bound. */
export interface MemoryStoreOptions {
  /** Log lines kept per job; the oldest go first. @defaultValue `200` */
  readonly maxLogLines?: number | undefined;
  /** Milliseconds for which a job stays readable after its end. @defaultValue `3_600_000` (an hour) */
  readonly ttlMs?: number | undefined;
  /** Milliseconds without a write after which a job that hasn't ended, and of which no worker holds a lease, is removed. @defaultValue `86_400_000` (a day) */
  readonly idleTtlMs?: number | undefined;
  /** Jobs kept. At the bound the one that ended first makes room; while none has ended, `create` refuses with `store-full`. @defaultValue `100_000` */
  readonly maxJobs?: number | undefined;
  /** Ids of removed jobs that are remembered, to answer `job-expired` in place of "never heard of it"; the oldest go first, `0` for none. @defaultValue `100_000` */
  readonly maxTombstones?: number | undefined;
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: (() => number) | undefined;
}

/** The options of a memory store, all present. */
export interface MemoryStoreLimits extends JobTtls {
  readonly maxLogLines: number;
  readonly maxJobs: number;
  readonly maxTombstones: number;
  readonly clock: () => number;
}

/** Fills in the defaults and refuses what can't be meant. */
export function resolveMemoryOptions(options: MemoryStoreOptions): MemoryStoreLimits {
  return Object.freeze({
    maxLogLines: count("maxLogLines", options.maxLogLines ?? DEFAULT_MAX_LOG_LINES, 1),
    ttlMs: duration("ttlMs", options.ttlMs ?? 3_600_000),
    idleTtlMs: duration("idleTtlMs", options.idleTtlMs ?? 86_400_000),
    maxJobs: count("maxJobs", options.maxJobs ?? 100_000, 1),
    maxTombstones: count("maxTombstones", options.maxTombstones ?? 100_000, 0),
    clock: options.clock ?? Date.now,
  });
}

function count(name: string, value: number, least: number): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= least))
    return value;
  throw invalid(name, value, `a whole number from ${least}, or Infinity`);
}

function duration(name: string, value: number): number {
  if (value > 0) return value;
  throw invalid(name, value, "a positive number of milliseconds, or Infinity");
}

function invalid(name: string, value: number, wanted: string): ProgressError {
  return new ProgressError("invalid-option", {
    message: `memoryStore: ${name} is ${value}; it must be ${wanted}.`,
    details: { name, value: String(value) },
  });
}
