import { ProgressError } from "@emlinh/progress-protocol";
import type { Authorize } from "./authorize.js";
import type { ProgressStore } from "./store.js";

/** What `createProgress` takes. `undefined` means the default, `Infinity` lifts a bound. Durations are milliseconds. */
export interface ProgressOptions {
  /** Where jobs are kept. It stays the caller's: `close()` doesn't close it. */
  readonly store: ProgressStore;
  /** Who may watch and cancel which job. Required, since a default would be a hole or a puzzle; `allowAnyone` says it by name. */
  readonly authorize: Authorize;
  /** A sign of life is sent on a stream that was silent for so long (P36). @defaultValue `30_000` */
  readonly heartbeatMs?: number | undefined;
  /** A stream is closed after so long without a change; the job goes on (P37). `false` for never. @defaultValue `600_000` */
  readonly idleTimeoutMs?: number | false | undefined;
  /** A stream lives at most so long, shortened by up to a fifth at random (P38). `false` for ever. @defaultValue `3_600_000` */
  readonly maxAgeMs?: number | false | undefined;
  /** A reader that takes nothing for so long is cut off (P35). @defaultValue `30_000` */
  readonly stallMs?: number | undefined;
  /** A watched job is read again after so long without a hint from the store. @defaultValue `5_000` */
  readonly rereadMs?: number | undefined;
  /** What readers are told to wait before they come back; lengthened by up to a half at random. @defaultValue `2_000` */
  readonly retryMs?: number | undefined;
  /** A long poll is held at most so long (P24). @defaultValue `25_000` */
  readonly maxWaitMs?: number | undefined;
  /** Streams and held polls open at once; one more is answered 429. @defaultValue `20_000` */
  readonly maxStreams?: number | undefined;
  /** The same for one job. @defaultValue `10_000` */
  readonly maxStreamsPerJob?: number | undefined;
  /** A worker that isn't heard of for so long is `stale`, and for twice as long `lost`. It renews three times as often. @defaultValue `15_000` */
  readonly leaseMs?: number | undefined;
  /** Between sweeps; at most a third of `leaseMs` is used. `false`: this process doesn't sweep. @defaultValue `5_000` */
  readonly sweepIntervalMs?: number | false | undefined;
  /** Jobs that one sweep may touch. @defaultValue `100` */
  readonly sweepLimit?: number | undefined;
  /** A reporter's updates go to the store at most this often. @defaultValue `100` */
  readonly reportIntervalMs?: number | undefined;
  /** A reporter tries so long to deliver the end of a job to a store that can't be reached; then the promise rejects. @defaultValue `60_000` */
  readonly maxDeliveryMs?: number | undefined;
  /** Told of all that went wrong where nobody waits for an answer. May throw: it changes nothing. @defaultValue does nothing */
  readonly onError?: ((error: ProgressError) => void) | undefined;
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: (() => number) | undefined;
  /** From 0 up to 1; for jitter alone. @defaultValue `Math.random` */
  readonly random?: (() => number) | undefined;
}

/** The options, all present; `false` has become `Infinity`, but for the sweep. */
export interface Settings {
  readonly store: ProgressStore;
  readonly authorize: Authorize;
  readonly heartbeatMs: number;
  readonly idleTimeoutMs: number;
  readonly maxAgeMs: number;
  readonly stallMs: number;
  readonly rereadMs: number;
  readonly retryMs: number;
  readonly maxWaitMs: number;
  readonly maxStreams: number;
  readonly maxStreamsPerJob: number;
  readonly leaseMs: number;
  readonly sweepIntervalMs: number | false;
  readonly sweepLimit: number;
  readonly reportIntervalMs: number;
  readonly maxDeliveryMs: number;
  /** How often the hub looks at its streams: fine enough for the shortest of the durations. */
  readonly tickMs: number;
  /** Never throws. */
  readonly onError: (error: ProgressError) => void;
  readonly clock: () => number;
  readonly random: () => number;
}

/**
 * Fills in the defaults, refuses what can't be meant, and freezes the result. The caller's object is left alone.
 *
 * @throws ProgressError `invalid-option`, naming the option, its value and what it must be.
 */
export function resolveOptions(options: ProgressOptions): Settings {
  requireFunctions(options);
  const leaseMs = duration("leaseMs", options.leaseMs, 15_000);
  const sweepIntervalMs = unlessOff("sweepIntervalMs", options.sweepIntervalMs, 5_000);
  const timing = {
    heartbeatMs: duration("heartbeatMs", options.heartbeatMs, 30_000),
    idleTimeoutMs: orInfinity("idleTimeoutMs", options.idleTimeoutMs, 600_000),
    maxAgeMs: orInfinity("maxAgeMs", options.maxAgeMs, 3_600_000),
    stallMs: duration("stallMs", options.stallMs, 30_000),
    rereadMs: duration("rereadMs", options.rereadMs, 5_000),
  };
  const settings: Settings = {
    ...timing,
    store: options.store,
    authorize: options.authorize,
    retryMs: duration("retryMs", options.retryMs, 2_000),
    maxWaitMs: duration("maxWaitMs", options.maxWaitMs, 25_000),
    maxStreams: count("maxStreams", options.maxStreams, 20_000),
    maxStreamsPerJob: count("maxStreamsPerJob", options.maxStreamsPerJob, 10_000),
    leaseMs,
    // A sweep is what makes a lease's end seen: one that came later than a third of it would hide the death of a worker.
    sweepIntervalMs: sweepIntervalMs === false ? false : Math.min(sweepIntervalMs, leaseMs / 3),
    sweepLimit: count("sweepLimit", options.sweepLimit, 100),
    reportIntervalMs: duration("reportIntervalMs", options.reportIntervalMs, 100),
    maxDeliveryMs: orInfinity("maxDeliveryMs", options.maxDeliveryMs, 60_000),
    tickMs: Math.max(10, Math.min(500, Math.min(...Object.values(timing)) / 5)),
    onError: neverThrows(options.onError),
    clock: options.clock ?? Date.now,
    random: options.random ?? Math.random,
  };
  crossCheck(settings);
  return Object.freeze(settings);
}

/** `retry:` and its like: from `retryMs` up to half as much again, so that readers who left together don't return together. */
export function jitteredRetryMs({ retryMs, random }: Pick<Settings, "retryMs" | "random">): number {
  return Math.round(retryMs * (1 + random() / 2));
}

function requireFunctions({ store, authorize, onError, clock, random }: ProgressOptions): void {
  if (typeof store?.read !== "function")
    throw invalid("store", String(store), "a store, such as memoryStore()");
  if (typeof authorize !== "function")
    throw invalid("authorize", String(authorize), "a function; allowAnyone lets everybody watch");
  for (const [name, value] of Object.entries({ onError, clock, random })) {
    if (value !== undefined && typeof value !== "function")
      throw invalid(name, String(value), "a function");
  }
}

function crossCheck({ heartbeatMs, idleTimeoutMs, reportIntervalMs, leaseMs }: Settings): void {
  if (heartbeatMs >= idleTimeoutMs)
    throw invalid(
      "heartbeatMs",
      heartbeatMs,
      `shorter than idleTimeoutMs, which is ${idleTimeoutMs}`,
    );
  if (reportIntervalMs > leaseMs / 3)
    throw invalid(
      "reportIntervalMs",
      reportIntervalMs,
      `at most a third of leaseMs, which is ${leaseMs}`,
    );
}

/**
 * A worker's lease: what `open` was told, or the server's.
 *
 * @throws ProgressError `invalid-option`; a lease that is no number would be renewed without a pause.
 */
export function resolveLeaseMs(leaseMs: number | undefined, settings: Settings): number {
  const resolved = duration("leaseMs", leaseMs, settings.leaseMs);
  crossCheck({ ...settings, leaseMs: resolved });
  return resolved;
}

/**
 * The spread of a drain, in milliseconds from 0.
 *
 * @throws ProgressError `invalid-option`; streams that were told to leave at no time would never leave.
 */
export function resolveSpreadMs(spreadMs: number | undefined): number {
  return spreadMs === 0 ? 0 : duration("spreadMs", spreadMs, 5_000);
}

/** A longer one is no timer for `setTimeout`, which would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function duration(name: string, value: number | undefined, fallback: number): number {
  const ms = value ?? fallback;
  // From untyped code it may be a text, which would compare like its number.
  if (typeof ms === "number" && ms > 0 && ms <= MAX_TIMER_MS) return ms;
  throw invalid(name, ms, `a number of milliseconds above 0, at most ${MAX_TIMER_MS}`);
}

function unlessOff(
  name: string,
  value: number | false | undefined,
  fallback: number,
): number | false {
  return value === false ? false : duration(name, value, fallback);
}

function orInfinity(name: string, value: number | false | undefined, fallback: number): number {
  if (value === false || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  return duration(name, value, fallback);
}

function count(name: string, value: number | undefined, fallback: number): number {
  const most = value ?? fallback;
  if (most === Number.POSITIVE_INFINITY || (Number.isSafeInteger(most) && most >= 1)) return most;
  throw invalid(name, most, "a whole number from 1, or Infinity");
}

function invalid(name: string, value: unknown, wanted: string): ProgressError {
  return new ProgressError("invalid-option", {
    message: `${name} is ${String(value)}; it must be ${wanted}.`,
    details: { name, value: String(value) },
  });
}

function neverThrows(
  onError: ((error: ProgressError) => void) | undefined,
): (error: ProgressError) => void {
  return (error) => {
    try {
      onError?.(error);
    } catch {
      // There is nobody left to tell: a listener's own fault must not break the stream or the worker of which it is told.
    }
  };
}
