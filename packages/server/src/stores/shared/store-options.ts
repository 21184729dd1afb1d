import { DEFAULT_MAX_LOG_LINES } from "@emlinh/progress-protocol";
import type { JobTtls } from "../../shared/lifecycle.js";
import type { OptionChecks } from "../../shared/option-checks.js";

/** Options that every store takes. `undefined` means the default, `Infinity` lifts a bound. */
export interface StoreOptions {
  /** Log lines kept per job; the oldest are dropped first. @defaultValue `200` */
  readonly maxLogLines?: number | undefined;
  /** Milliseconds for which a job stays readable after its end. @defaultValue `3_600_000` (an hour) */
  readonly ttlMs?: number | undefined;
  /**
   * Milliseconds without a write after which a job is removed that has not ended and that no worker holds a lease on.
   * @defaultValue `86_400_000` (a day)
   */
  readonly idleTtlMs?: number | undefined;
}

/** The options of every store, all present. */
export interface StoreLimits extends JobTtls {
  readonly maxLogLines: number;
}

/**
 * Fills in the defaults of the options that every store takes, and checks them.
 *
 * @param own - The names of the store's own options. Others are refused.
 */
export function resolveStoreLimits<Options extends StoreOptions>(
  options: Options,
  { names, count, duration }: OptionChecks,
  own: { readonly [Name in Exclude<keyof Options, keyof StoreOptions>]-?: true },
): StoreLimits {
  names(options, [...Object.keys(own), "maxLogLines", "ttlMs", "idleTtlMs"]);
  const { maxLogLines, ttlMs, idleTtlMs } = options;
  return {
    maxLogLines: count("maxLogLines", maxLogLines ?? DEFAULT_MAX_LOG_LINES, 1),
    ttlMs: duration("ttlMs", ttlMs ?? 3_600_000),
    idleTtlMs: duration("idleTtlMs", idleTtlMs ?? 86_400_000),
  };
}
