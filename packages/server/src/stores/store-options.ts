import { DEFAULT_MAX_LOG_LINES, ProgressError } from "@emlinh/progress-protocol";
import type { JobTtls } from "../core/endings.js";

/** What every store takes. `undefined` means the default, `Infinity` lifts a bound. */
export interface StoreOptions {
  /** Log lines kept per job; the oldest go first. @defaultValue `200` */
  readonly maxLogLines?: number | undefined;
  /** Milliseconds for which a job stays readable after its end. @defaultValue `3_600_000` (an hour) */
  readonly ttlMs?: number | undefined;
  /** Milliseconds without a write after which a job that hasn't ended, and of which no worker holds a lease, is removed. @defaultValue `86_400_000` (a day) */
  readonly idleTtlMs?: number | undefined;
}

/** The options of every store, all present. */
export interface StoreLimits extends JobTtls {
  readonly maxLogLines: number;
}

/** Checks the options of one store, and names it where it refuses. */
export interface OptionChecks {
  limits(options: StoreOptions): StoreLimits;
  /** A whole number from `least`, or `Infinity`. */
  count(name: string, value: number, least: number): number;
  /** A positive number of milliseconds, or `Infinity`. */
  duration(name: string, value: number): number;
  invalid(name: string, value: unknown, wanted: string): ProgressError;
}

/** The checks of the store that is made by the function of this name. */
export function checksFor(store: string): OptionChecks {
  function count(name: string, value: number, least: number): number {
    if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= least))
      return value;
    throw invalid(name, value, `a whole number from ${least}, or Infinity`);
  }

  function duration(name: string, value: number): number {
    // From untyped code it may be a text, which would compare like its number.
    if (typeof value === "number" && value > 0) return value;
    throw invalid(name, value, "a positive number of milliseconds, or Infinity");
  }

  function invalid(name: string, value: unknown, wanted: string): ProgressError {
    return new ProgressError("invalid-option", {
      message: `${store}: ${name} is ${String(value)}; it must be ${wanted}.`,
      details: { name, value: String(value) },
    });
  }

  return {
    count,
    duration,
    invalid,
    limits: ({ maxLogLines, ttlMs, idleTtlMs }) => ({
      maxLogLines: count("maxLogLines", maxLogLines ?? DEFAULT_MAX_LOG_LINES, 1),
      ttlMs: duration("ttlMs", ttlMs ?? 3_600_000),
      idleTtlMs: duration("idleTtlMs", idleTtlMs ?? 86_400_000),
    }),
  };
}
