import type { ProgressError } from "@emlinh/progress-protocol";
import { neverThrows } from "../shared/never-throws.js";
import { checksFor } from "../shared/option-checks.js";
import { createErrorPrinter } from "../shared/print-error.js";
import type { Authorize } from "./authorize.js";
import { resolveClockAndRandom } from "./clock-and-random.js";
import { type CorsOptions, type CorsRules, resolveCors } from "./cors-option.js";
import { type Hooks, resolveHooks, type SafeHooks } from "./hooks.js";
import { createMetrics, type Metrics } from "./metrics.js";
import { resolveOrigins } from "./origin-list.js";
import type { ProgressStore } from "./store.js";

const { names, timer, count, callback, invalid, fault } = checksFor(
  "createProgress",
  "createProgress({ store, authorize })",
);

/** The options that there are. The type makes a missing one an error. */
const NAMES: { readonly [Name in keyof ProgressOptions]-?: true } = {
  store: true,
  authorize: true,
  heartbeatMs: true,
  idleTimeoutMs: true,
  maxAgeMs: true,
  stallMs: true,
  rereadMs: true,
  retryMs: true,
  maxWaitMs: true,
  maxStreams: true,
  maxStreamsPerJob: true,
  maxStreamsPerConnection: true,
  maxStreamsPerPrincipal: true,
  maxJobsPerStream: true,
  maxSubjectsPerStream: true,
  maxReportsPerSecond: true,
  recheckMs: true,
  authorizeTimeoutMs: true,
  trustedOrigins: true,
  cors: true,
  leaseMs: true,
  sweepIntervalMs: true,
  sweepLimit: true,
  reportIntervalMs: true,
  maxDeliveryMs: true,
  onError: true,
  onStreamOpen: true,
  onStreamClose: true,
  onJobEnd: true,
  onRefusal: true,
  clock: true,
  random: true,
};

/**
 * Options of `createProgress`. `undefined` means the default, `Infinity` lifts a bound. Durations are milliseconds.
 *
 * @typeParam Raw - The framework's request, as `authorize` takes it.
 */
export interface ProgressOptions<Raw = unknown> extends Hooks {
  /** Where jobs are kept. The caller owns the store: `close()` does not close it. */
  readonly store: ProgressStore;
  /**
   * Decides who may do what. Required, because there is no safe default; `allowAnyone` allows anyone to watch and
   * cancel.
   */
  readonly authorize: Authorize<Raw>;
  /**
   * A request that `authorize` has not decided after this long is answered 503. At most `maxStreams` requests wait for
   * it at once.
   * @defaultValue `10_000`
   */
  readonly authorizeTimeoutMs?: number | undefined;
  /**
   * Origins of other sites whose pages may cancel and remove jobs, such as `"https://app.example.com"`: scheme, host
   * and port, without a path. The server's own origin needs no entry, and neither do those of `cors` (P50).
   * @defaultValue none
   */
  readonly trustedOrigins?: readonly string[] | undefined;
  /**
   * Pages of other origins that may read and change jobs, within the limits of `authorize` (P57). Leave out any other
   * middleware for CORS on this path. `false` for none.
   * @defaultValue `false`
   */
  readonly cors?: CorsOptions | false | undefined;
  /** A heartbeat is sent on a stream that was silent for this long (P36). @defaultValue `15_000` */
  readonly heartbeatMs?: number | undefined;
  /**
   * A stream is closed after this long without a change; the job goes on (P37). `false` for never.
   * @defaultValue `600_000`
   */
  readonly idleTimeoutMs?: number | false | undefined;
  /**
   * The maximum age of a stream, shortened by up to a fifth at random (P38). `false` for none.
   * @defaultValue `3_600_000`
   */
  readonly maxAgeMs?: number | false | undefined;
  /**
   * A reader that takes no bytes for this long is disconnected (P35). A stream whose response was not begun after this
   * long gives its slot back. The body of a report must arrive within this time (P54).
   * @defaultValue `30_000`
   */
  readonly stallMs?: number | undefined;
  /** A watched job is read again after this long without a wake from the store. @defaultValue `5_000` */
  readonly rereadMs?: number | undefined;
  /**
   * The time that readers are asked to wait before they reconnect, lengthened by up to a half at random.
   * @defaultValue `2_000`
   */
  readonly retryMs?: number | undefined;
  /** The longest time for which a long poll is held (P24). @defaultValue `25_000` */
  readonly maxWaitMs?: number | undefined;
  /** Streams and held polls open at once; one more is answered 429. @defaultValue `20_000` */
  readonly maxStreams?: number | undefined;
  /** The same for one job. @defaultValue `10_000` */
  readonly maxStreamsPerJob?: number | undefined;
  /**
   * The same for one connection, where the adapter knows it. Over HTTP/1.1 a connection carries one stream at a time;
   * over HTTP/2 it carries those of one browser, or of all clients of a proxy.
   * @defaultValue `1_000`
   */
  readonly maxStreamsPerConnection?: number | undefined;
  /**
   * The same for one `principal` that `authorize` returns. Without a principal it does not count.
   * @defaultValue `100`
   */
  readonly maxStreamsPerPrincipal?: number | undefined;
  /**
   * Jobs that one request for many jobs may name (P68). Those of its lists do not count. One more is answered 400.
   * @defaultValue `100`
   */
  readonly maxJobsPerStream?: number | undefined;
  /** Subjects that one request for many jobs may name, each with a list of up to 100 jobs. @defaultValue `10` */
  readonly maxSubjectsPerStream?: number | undefined;
  /**
   * Reports over HTTP that one job takes per second (P61); twice as many may come at once. One more is answered 429.
   * Each process counts its own. @defaultValue `50`
   */
  readonly maxReportsPerSecond?: number | undefined;
  /**
   * `authorize` is asked again about each open stream after this long, up to a fifth earlier at random. A refusal
   * closes the stream with `bye: auth` (P58); its request is kept for that. `false` for never.
   * @defaultValue `false`
   */
  readonly recheckMs?: number | false | undefined;
  /**
   * A job whose worker has not reported for this long is `stale`, and as long after that mark `lost`. A worker renews
   * its lease three times as often. @defaultValue `15_000`
   */
  readonly leaseMs?: number | undefined;
  /**
   * Between sweeps; at most a third of `leaseMs` is used. While this process does not use the store and its sweeps find
   * nothing, the interval doubles up to a minute. `false`: this process doesn't sweep.
   * @defaultValue `5_000`
   */
  readonly sweepIntervalMs?: number | false | undefined;
  /** The most jobs that one sweep changes. @defaultValue `100` */
  readonly sweepLimit?: number | undefined;
  /** The shortest time between two writes of a reporter's updates to the store. @defaultValue `100` */
  readonly reportIntervalMs?: number | undefined;
  /**
   * A reporter tries for this long to deliver the end of a job to a store that can't be reached; then its promise
   * rejects.
   * @defaultValue `60_000`
   */
  readonly maxDeliveryMs?: number | undefined;
  /**
   * Called with each error that no caller is waiting for, such as an error of the work that readers do not get. If it
   * throws or rejects, that error is ignored.
   * @defaultValue writes one line to stderr per kind of error
   */
  readonly onError?: ((error: ProgressError) => void) | undefined;
  /** Milliseconds since the epoch. If it throws or returns no number, the default is used. @defaultValue `Date.now` */
  readonly clock?: (() => number) | undefined;
  /**
   * From 0 up to 1; for jitter alone. If it throws or returns another value, the default is used.
   * @defaultValue `Math.random`
   */
  readonly random?: (() => number) | undefined;
}

/** The options, all present. Except for the sweep, `false` has become `Infinity`. */
export interface Settings {
  readonly store: ProgressStore;
  readonly authorize: Authorize;
  readonly authorizeTimeoutMs: number;
  /** As `normalOrigin` writes them. */
  readonly trustedOrigins: ReadonlySet<string>;
  readonly cors: CorsRules | false;
  readonly heartbeatMs: number;
  readonly idleTimeoutMs: number;
  readonly maxAgeMs: number;
  readonly stallMs: number;
  readonly rereadMs: number;
  readonly retryMs: number;
  readonly maxWaitMs: number;
  readonly maxStreams: number;
  readonly maxStreamsPerJob: number;
  readonly maxStreamsPerConnection: number;
  readonly maxStreamsPerPrincipal: number;
  readonly maxJobsPerStream: number;
  readonly maxSubjectsPerStream: number;
  readonly maxReportsPerSecond: number;
  readonly recheckMs: number;
  readonly leaseMs: number;
  readonly sweepIntervalMs: number | false;
  readonly sweepLimit: number;
  readonly reportIntervalMs: number;
  readonly maxDeliveryMs: number;
  /** Milliseconds between ticks of the hub: short enough for the shortest of the durations. */
  readonly tickMs: number;
  /** Never throws. */
  readonly onError: (error: ProgressError) => void;
  /** None of them throws, or is called before this turn of the event loop ends. */
  readonly hooks: SafeHooks;
  /** Counted by every part of the library. */
  readonly metrics: Metrics;
  /** Never throws. */
  readonly clock: () => number;
  /** Never throws. */
  readonly random: () => number;
}

/**
 * Fills in the defaults, checks the options, and freezes the result. The caller's object is not changed.
 *
 * @throws ProgressError `invalid-option`, naming the option, its value and what it must be.
 */
export function resolveOptions<Raw>(options: ProgressOptions<Raw>): Settings {
  names(options, Object.keys(NAMES));
  requireFunctions(options);
  const onError = neverThrows(options.onError ?? createErrorPrinter());
  const leaseMs = timer("leaseMs", options.leaseMs ?? 15_000);
  const timing = {
    heartbeatMs: timer("heartbeatMs", options.heartbeatMs ?? 15_000),
    idleTimeoutMs: timerOrNever("idleTimeoutMs", options.idleTimeoutMs ?? 600_000),
    maxAgeMs: timerOrNever("maxAgeMs", options.maxAgeMs ?? 3_600_000),
    stallMs: timer("stallMs", options.stallMs ?? 30_000),
    rereadMs: timer("rereadMs", options.rereadMs ?? 5_000),
    recheckMs: timerOrNever("recheckMs", options.recheckMs ?? false),
  };
  const settings: Settings = {
    ...timing,
    store: options.store,
    // The adapter that the progress is mounted with has checked the type of the request.
    authorize: options.authorize as Authorize,
    authorizeTimeoutMs: timer("authorizeTimeoutMs", options.authorizeTimeoutMs ?? 10_000),
    trustedOrigins: resolveOrigins("trustedOrigins", options.trustedOrigins ?? []),
    cors: resolveCors(options.cors ?? false, onError),
    retryMs: timer("retryMs", options.retryMs ?? 2_000),
    maxWaitMs: timer("maxWaitMs", options.maxWaitMs ?? 25_000),
    maxStreams: count("maxStreams", options.maxStreams ?? 20_000, 1),
    maxStreamsPerJob: count("maxStreamsPerJob", options.maxStreamsPerJob ?? 10_000, 1),
    maxStreamsPerConnection: count(
      "maxStreamsPerConnection",
      options.maxStreamsPerConnection ?? 1_000,
      1,
    ),
    maxStreamsPerPrincipal: count(
      "maxStreamsPerPrincipal",
      options.maxStreamsPerPrincipal ?? 100,
      1,
    ),
    maxJobsPerStream: count("maxJobsPerStream", options.maxJobsPerStream ?? 100, 1),
    maxSubjectsPerStream: count("maxSubjectsPerStream", options.maxSubjectsPerStream ?? 10, 1),
    maxReportsPerSecond: count("maxReportsPerSecond", options.maxReportsPerSecond ?? 50, 1),
    leaseMs,
    sweepIntervalMs: resolveSweepIntervalMs(options.sweepIntervalMs ?? 5_000, leaseMs),
    sweepLimit: count("sweepLimit", options.sweepLimit ?? 100, 1),
    reportIntervalMs: timer("reportIntervalMs", options.reportIntervalMs ?? 100),
    maxDeliveryMs: timerOrNever("maxDeliveryMs", options.maxDeliveryMs ?? 60_000),
    tickMs: Math.max(10, Math.min(500, Math.min(...Object.values(timing)) / 5)),
    onError,
    hooks: resolveHooks(options, onError),
    metrics: createMetrics(),
    ...resolveClockAndRandom(options, onError),
  };
  crossCheck(settings);
  return Object.freeze(settings);
}

/**
 * The wait for `retry:` and `Retry-After`: `retryMs` and up to half as much again, so that readers do not return
 * together.
 */
export function jitteredRetryMs({ retryMs, random }: Pick<Settings, "retryMs" | "random">): number {
  return Math.round(retryMs * (1 + random() / 2));
}

function requireFunctions<Raw>(options: ProgressOptions<Raw>): void {
  const { store, authorize, onError, clock, random } = options;
  const { onStreamOpen, onStreamClose, onJobEnd, onRefusal } = options;
  const hooks = { onStreamOpen, onStreamClose, onJobEnd, onRefusal };
  requireStore(store);
  if (typeof authorize !== "function")
    throw invalid("authorize", authorize, "a function, such as allowAnyone");
  for (const [name, value] of Object.entries({ onError, clock, random, ...hooks }))
    callback(name, value);
}

/** The methods of a store. The type makes a missing one an error. */
const STORE_METHODS: { readonly [Name in Exclude<keyof ProgressStore, "maxLogLines">]-?: true } = {
  create: true,
  write: true,
  read: true,
  list: true,
  watch: true,
  remove: true,
  learn: true,
  expectations: true,
  sweep: true,
  close: true,
};

function requireStore(store: unknown): void {
  if (typeof store !== "object" || store === null || !("read" in store))
    throw invalid("store", store, "a store, such as memoryStore()");
  const members = store as Readonly<Record<string, unknown>>;
  const missing = Object.keys(STORE_METHODS).find((name) => typeof members[name] !== "function");
  if (missing !== undefined)
    throw fault(`store has no method ${missing}(); pass a whole store, such as memoryStore().`);
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
 * The lease of a worker: that of `open`, or the server's.
 *
 * @throws ProgressError `invalid-option`
 */
export function resolveLeaseMs(leaseMs: number | undefined, settings: Settings): number {
  const resolved = timer("leaseMs", leaseMs ?? settings.leaseMs);
  crossCheck({ ...settings, leaseMs: resolved });
  return resolved;
}

/**
 * A sweep makes the end of a lease visible. If it came later than a third of the lease, it would hide the death of a
 * worker.
 */
function resolveSweepIntervalMs(value: number | false, leaseMs: number): number | false {
  return value === false ? false : Math.min(timer("sweepIntervalMs", value), leaseMs / 3);
}

function timerOrNever(name: string, value: number | false): number {
  const isNever = value === false || value === Number.POSITIVE_INFINITY;
  return isNever ? Number.POSITIVE_INFINITY : timer(name, value);
}
