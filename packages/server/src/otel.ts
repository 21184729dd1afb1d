import type { MetricsHistogram, ProgressMetrics } from "./core/metrics.js";

/** The part of `Progress` that is observed. */
export interface ObservedProgress {
  metrics(): ProgressMetrics;
}

/** The part of a `Meter` of `@opentelemetry/api` (1.x) that is used. */
export interface ProgressMeter {
  createObservableGauge(name: string, options?: InstrumentOptions): object;
  createObservableCounter(name: string, options?: InstrumentOptions): object;
  addBatchObservableCallback(callback: ObserveInstruments, instruments: object[]): void;
  removeBatchObservableCallback(callback: ObserveInstruments, instruments: object[]): void;
}

/** Options of an instrument. */
export interface InstrumentOptions {
  description?: string;
  unit?: string;
}

/** Observes the instruments once. Called by the meter at each collection. */
export type ObserveInstruments = (result: ObservedValues) => void;

/** Takes the values of one collection. */
export interface ObservedValues {
  observe(instrument: object, value: number, attributes?: Attributes): void;
}

/** Attributes of a value. */
export type Attributes = { [name: string]: string | number };

/** One value of an instrument. */
type Sample = readonly [value: number, attributes?: Attributes];

interface Definition {
  readonly name: string;
  readonly kind: "gauge" | "counter";
  readonly unit: string;
  readonly description: string;
  samples(metrics: ProgressMetrics): readonly Sample[];
}

/** OpenTelemetry has no observable histogram, so each histogram is three counters. Durations are in seconds there. */
const INSTRUMENTS: readonly Definition[] = [
  gauge("streams", "{stream}", "Open streams", ({ streams }) => [[streams]]),
  gauge("polls", "{poll}", "Long polls that are held", ({ polls }) => [[polls]]),
  gauge("slots", "{slot}", "Slots of maxStreams that are taken", ({ slots }) => [[slots]]),
  gauge("watched_jobs", "{job}", "Jobs watched for readers", ({ watchedJobs }) => [[watchedJobs]]),
  gauge("reporters", "{reporter}", "Jobs open for work", ({ reporters }) => [[reporters]]),
  counter("streams.opened", "{stream}", "Streams opened", ({ streamsOpened }) => [[streamsOpened]]),
  counter("streams.closed", "{stream}", "Streams closed, by reason", ({ streamsClosed }) =>
    byName("reason", streamsClosed),
  ),
  counter("deltas", "{delta}", "Deltas written to streams", ({ deltas }) => [[deltas]]),
  counter("bytes", "By", "Bytes written to streams", ({ bytes }) => [[bytes]]),
  counter("deltas.merged", "{delta}", "Changes merged for slow readers", ({ mergedDeltas }) => [
    [mergedDeltas],
  ]),
  counter("resets", "{reset}", "Readers whose cursor was unknown", ({ resets }) => [[resets]]),
  counter("refusals", "{request}", "Refused requests, by code", ({ refusals }) =>
    byName("code", refusals),
  ),
  counter("jobs.ended", "{job}", "Jobs ended by this process, by status", ({ endedJobs }) =>
    byName("status", endedJobs),
  ),
  counter("store.failures", "{call}", "Calls of the store that failed, by method", ({ store }) =>
    Object.entries(store).map(([method, { failed }]) => [failed, { method }]),
  ),
  ...histogram("store.duration", "calls of the store, by method", ({ store }) =>
    Object.entries(store).map(([method, { duration }]) => [duration, { method }]),
  ),
  counter("sweeps", "{sweep}", "Sweeps", ({ sweeps }) => [[sweeps.runs]]),
  counter("sweeps.jobs", "{job}", "Jobs that sweeps changed, by transition", ({ sweeps }) => [
    [sweeps.stale, { transition: "stale" }],
    [sweeps.lost, { transition: "lost" }],
    [sweeps.timedOut, { transition: "timed-out" }],
    [sweeps.expired, { transition: "expired" }],
  ]),
  ...histogram("write_to_wire", "the way of changes from the store to the readers", (metrics) => [
    [metrics.writeToWire, {}],
  ]),
];

/**
 * Registers the figures of `progress.metrics()` as observable instruments of OpenTelemetry, named `progress.streams`,
 * `progress.refusals` and so on. They are read once per collection.
 *
 * @param meter - From `metrics.getMeter("…")` of `@opentelemetry/api`. This library imports no package for it. Give
 * each progress a meter of its own: two of them would overwrite the values of each other.
 * @returns a function that stops the observation. Idempotent. Call it after `drain`, because an exporter of cumulative
 * values repeats the last ones.
 *
 * @example
 * ```ts
 * const stop = observeProgress(metrics.getMeter("video-app"), progress);
 * ```
 */
export function observeProgress(meter: ProgressMeter, progress: ObservedProgress): () => void {
  const instruments = INSTRUMENTS.map(({ name, kind, unit, description }) => {
    const options = { unit, description };
    return kind === "gauge"
      ? meter.createObservableGauge(name, options)
      : meter.createObservableCounter(name, options);
  });
  const observe: ObserveInstruments = (result) => {
    const metrics = progress.metrics();
    for (const [index, { samples }] of INSTRUMENTS.entries()) {
      const instrument = instruments[index];
      if (instrument === undefined) continue;
      for (const [value, attributes] of samples(metrics))
        result.observe(instrument, value, attributes);
    }
  };
  meter.addBatchObservableCallback(observe, instruments);
  let isStopped = false;
  return () => {
    if (isStopped) return;
    isStopped = true;
    meter.removeBatchObservableCallback(observe, instruments);
  };
}

type Samples = Definition["samples"];

function gauge(name: string, unit: string, description: string, samples: Samples): Definition {
  return { name: `progress.${name}`, kind: "gauge", unit, description, samples };
}

function counter(name: string, unit: string, description: string, samples: Samples): Definition {
  return { name: `progress.${name}`, kind: "counter", unit, description, samples };
}

/** Its number, its sum in seconds, and its cumulative buckets, which have the attribute `le` in seconds. */
function histogram(
  name: string,
  of: string,
  histograms: (metrics: ProgressMetrics) => readonly (readonly [MetricsHistogram, Attributes])[],
): readonly Definition[] {
  return [
    counter(`${name}.count`, "1", `Number of ${of}`, (metrics) =>
      histograms(metrics).map(([{ count }, attributes]) => [count, attributes]),
    ),
    counter(`${name}.sum`, "s", `Total duration of ${of}`, (metrics) =>
      histograms(metrics).map(([{ sumMs }, attributes]) => [sumMs / 1000, attributes]),
    ),
    counter(`${name}.bucket`, "1", `Number of ${of} that took up to le seconds`, (metrics) =>
      histograms(metrics).flatMap(([{ buckets }, attributes]) =>
        buckets.map(({ leMs, count }): Sample => [count, { ...attributes, le: leMs / 1000 }]),
      ),
    ),
  ];
}

function byName(attribute: string, values: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(values).map(([name, value]) => [value, { [attribute]: name }]);
}
