import { checksFor } from "./option-checks.js";

/** Options of `drain`. */
export interface DrainOptions {
  /**
   * Milliseconds over which the open streams are sent away, so that they do not all reconnect at once.
   * @defaultValue `5_000`, or `timeoutMs` if that is shorter
   */
  readonly spreadMs?: number | undefined;
  /**
   * Milliseconds after which the streams that are left are destroyed and the drain resolves; at least `spreadMs`.
   * @defaultValue `30_000`, or `spreadMs` if that is longer
   */
  readonly timeoutMs?: number | undefined;
}

/** The times of a drain, in milliseconds from its start. */
export interface DrainTimes {
  /** Readers are sent away at a random moment of this span. */
  readonly spreadMs: number;
  /** Readers that are left then are destroyed. */
  readonly timeoutMs: number;
}

const DEFAULT_SPREAD_MS = 5_000;
const DEFAULT_TIMEOUT_MS = 30_000;

const { names, timer, invalid } = checksFor("drain");

/**
 * Fills in the defaults and checks the options.
 *
 * @throws ProgressError `invalid-option`
 */
export function resolveDrainTimes(options: DrainOptions): DrainTimes {
  names(options, ["spreadMs", "timeoutMs"]);
  const { spreadMs, timeoutMs } = options;
  const limit = timeoutMs === undefined ? undefined : zeroOrTimer("timeoutMs", timeoutMs);
  const defaultSpread = Math.min(DEFAULT_SPREAD_MS, limit ?? DEFAULT_SPREAD_MS);
  const spread = spreadMs === undefined ? defaultSpread : zeroOrTimer("spreadMs", spreadMs);
  if (limit !== undefined && limit < spread)
    throw invalid("timeoutMs", limit, `at least spreadMs, which is ${spread}`);
  return { spreadMs: spread, timeoutMs: limit ?? Math.max(DEFAULT_TIMEOUT_MS, spread) };
}

function zeroOrTimer(name: string, value: number): number {
  return value === 0 ? 0 : timer(name, value);
}
