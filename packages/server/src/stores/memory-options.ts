import { checksFor, type StoreLimits, type StoreOptions } from "./store-options.js";

/** What `memoryStore` takes. `undefined` means the default, `Infinity` lifts a bound. */
export interface MemoryStoreOptions extends StoreOptions {
  /** Jobs kept. At the bound the one that ended first makes room; while none has ended, `create` refuses with `store-full`. @defaultValue `100_000` */
  readonly maxJobs?: number | undefined;
  /** Ids of removed jobs that are remembered, to answer `job-expired` in place of "never heard of it"; the oldest go first, `0` for none. @defaultValue `100_000` */
  readonly maxTombstones?: number | undefined;
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: (() => number) | undefined;
}

/** The options of a memory store, all present. */
export interface MemoryStoreLimits extends StoreLimits {
  readonly maxJobs: number;
  readonly maxTombstones: number;
  readonly clock: () => number;
}

/** Fills in the defaults and refuses what can't be meant. */
export function resolveMemoryOptions(options: MemoryStoreOptions): MemoryStoreLimits {
  const { limits, count } = checksFor("memoryStore");
  return Object.freeze({
    ...limits(options),
    maxJobs: count("maxJobs", options.maxJobs ?? 100_000, 1),
    maxTombstones: count("maxTombstones", options.maxTombstones ?? 100_000, 0),
    clock: options.clock ?? Date.now,
  });
}
