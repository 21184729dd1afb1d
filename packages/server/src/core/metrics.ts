import type { RefusalCode, TerminalStatus } from "@emlinh/progress-protocol";
import type { StreamCloseReason } from "./hooks.js";
import type { SweepReport } from "./store.js";

/** A histogram of durations. */
export interface MetricsHistogram {
  /** The number of observed durations. */
  readonly count: number;
  /** The sum of the observed durations, in milliseconds. */
  readonly sumMs: number;
  /**
   * Per bound the number of durations up to it, in milliseconds. The counts are cumulative, as Prometheus has them; the
   * bucket without a bound is `count`.
   */
  readonly buckets: readonly { readonly leMs: number; readonly count: number }[];
}

/** A method of a store, as the metrics name it. */
export type StoreMethod =
  | "create"
  | "write"
  | "read"
  | "list"
  | "watch"
  | "remove"
  | "learn"
  | "expectations"
  | "sweep";

/** The calls of one method of the store. */
export interface StoreCallMetrics {
  /** The calls that ended with `store-unavailable`. */
  readonly failed: number;
  /** How long calls took, with those that failed. */
  readonly duration: MetricsHistogram;
}

/** The sweeps of this process. */
export interface SweepMetrics extends Omit<SweepReport, "more"> {
  /** Sweeps that were done. */
  readonly runs: number;
}

/**
 * The figures of one `Progress`: gauges, which tell how many there are now, and counters, which have only risen since
 * `createProgress`. It is a copy, which does not change.
 */
export interface ProgressMetrics {
  /** Gauge: open streams. */
  readonly streams: number;
  /** Gauge: long polls that are held. */
  readonly polls: number;
  /**
   * Gauge: slots of `maxStreams` that are taken by streams and held polls, including those that are opening or closing,
   * and by answers whose response has not begun.
   */
  readonly slots: number;
  /** Gauge: jobs that this process watches for its readers, with those of the lists that they follow. */
  readonly watchedJobs: number;
  /** Gauge: jobs that are open for work in this process. */
  readonly reporters: number;
  readonly streamsOpened: number;
  /** Streams that were closed, by reason. */
  readonly streamsClosed: Readonly<Record<StreamCloseReason, number>>;
  /** Frames with data that were written to streams: one per change and stream, or fewer if changes were merged. */
  readonly deltas: number;
  /** Bytes of all frames that were written to streams. */
  readonly bytes: number;
  /** Changes that a stream was not sent as they came, because its reader was slow. It gets them merged into one. */
  readonly mergedDeltas: number;
  /** Readers that got the whole state although they came with a cursor, because the cursor is unknown. */
  readonly resets: number;
  /**
   * Refused requests, and refused jobs and subjects of requests for many, by code. Codes never sent are absent.
   */
  readonly refusals: Readonly<Partial<Record<RefusalCode, number>>>;
  /** Jobs that this process has ended, by status, with those of its sweeps. */
  readonly endedJobs: Readonly<Record<TerminalStatus, number>>;
  /** Calls of the store, by method. */
  readonly store: Readonly<Record<StoreMethod, StoreCallMetrics>>;
  readonly sweeps: SweepMetrics;
  /**
   * From the store's time of a change to the moment when this process has written it to the job's readers: once per
   * change of a watched job, or per changes that were read together.
   */
  readonly writeToWire: MetricsHistogram;
}

/** The upper bounds of the buckets of each histogram, in milliseconds. */
const BOUNDS_MS = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000] as const;

/** A histogram that is counted. */
export interface HistogramCounter {
  count: number;
  sumMs: number;
  /** By the index of the bound; the last one has those above all bounds. */
  readonly counts: number[];
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/**
 * The counters of one `Progress`. Each part of the library increments its own: an event costs an addition, and no
 * object.
 */
export interface Metrics {
  streams: number;
  polls: number;
  streamsOpened: number;
  readonly streamsClosed: Record<StreamCloseReason, number>;
  deltas: number;
  bytes: number;
  mergedDeltas: number;
  resets: number;
  readonly refusals: Partial<Record<RefusalCode, number>>;
  readonly endedJobs: Record<TerminalStatus, number>;
  readonly store: Record<StoreMethod, { failed: number; readonly duration: HistogramCounter }>;
  readonly sweeps: Mutable<SweepMetrics>;
  readonly writeToWire: HistogramCounter;
}

/** Starts at 0. */
export function createMetrics(): Metrics {
  return {
    streams: 0,
    polls: 0,
    streamsOpened: 0,
    streamsClosed: {
      end: 0,
      client: 0,
      timeout: 0,
      removed: 0,
      failed: 0,
      drain: 0,
      age: 0,
      auth: 0,
      slow: 0,
      store: 0,
    },
    deltas: 0,
    bytes: 0,
    mergedDeltas: 0,
    resets: 0,
    refusals: {},
    endedJobs: { completed: 0, failed: 0, cancelled: 0, lost: 0, "timed-out": 0 },
    store: {
      create: storeCalls(),
      write: storeCalls(),
      read: storeCalls(),
      list: storeCalls(),
      watch: storeCalls(),
      remove: storeCalls(),
      learn: storeCalls(),
      expectations: storeCalls(),
      sweep: storeCalls(),
    },
    sweeps: { runs: 0, stale: 0, lost: 0, timedOut: 0, expired: 0 },
    writeToWire: histogram(),
  };
}

function storeCalls(): Metrics["store"][StoreMethod] {
  return { failed: 0, duration: histogram() };
}

function histogram(): HistogramCounter {
  return { count: 0, sumMs: 0, counts: new Array<number>(BOUNDS_MS.length + 1).fill(0) };
}

/** Adds a duration to a histogram. A negative one, of clocks that differ, counts as 0. */
export function observe(counter: HistogramCounter, durationMs: number): void {
  const ms = Math.max(0, durationMs);
  let index = 0;
  while (index < BOUNDS_MS.length && ms > (BOUNDS_MS[index] ?? 0)) index += 1;
  counter.count += 1;
  counter.sumMs += ms;
  counter.counts[index] = (counter.counts[index] ?? 0) + 1;
}

/** Counts a refusal. */
export function countRefusal({ refusals }: Metrics, code: RefusalCode): void {
  refusals[code] = (refusals[code] ?? 0) + 1;
}

/** Counts a sweep, and the jobs that it ended. */
export function countSweep({ sweeps, endedJobs }: Metrics, report: SweepReport): void {
  sweeps.runs += 1;
  sweeps.stale += report.stale;
  sweeps.lost += report.lost;
  sweeps.timedOut += report.timedOut;
  sweeps.expired += report.expired;
  endedJobs.lost += report.lost;
  endedJobs["timed-out"] += report.timedOut;
}

/** The figures that other parts of the library know. */
export type CurrentFigures = Pick<ProgressMetrics, "slots" | "watchedJobs" | "reporters">;

/** A copy of the counters, with the figures that are not counted. */
export function metricsOf(metrics: Metrics, current: CurrentFigures): ProgressMetrics {
  const { streamsClosed, refusals, endedJobs, store, sweeps, writeToWire } = metrics;
  const methods = Object.entries(store) as [StoreMethod, Metrics["store"][StoreMethod]][];
  const calls = methods.map(([method, { failed, duration }]) => [
    method,
    { failed, duration: histogramOf(duration) },
  ]);
  return {
    ...metrics,
    ...current,
    streamsClosed: { ...streamsClosed },
    refusals: { ...refusals },
    endedJobs: { ...endedJobs },
    store: Object.fromEntries(calls) as ProgressMetrics["store"],
    sweeps: { ...sweeps },
    writeToWire: histogramOf(writeToWire),
  };
}

function histogramOf({ count, sumMs, counts }: HistogramCounter): MetricsHistogram {
  let total = 0;
  const buckets = BOUNDS_MS.map((leMs, index) => {
    total += counts[index] ?? 0;
    return { leMs, count: total };
  });
  return { count, sumMs, buckets };
}
