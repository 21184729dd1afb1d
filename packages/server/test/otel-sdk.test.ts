import { DiagLogLevel, diag } from "@opentelemetry/api";
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { observeProgress } from "../src/otel.js";
import { advance, makeContext, useFakeTime } from "./core/context.js";
import { requestFacts } from "./core/requests.js";
import { openStream } from "./core/streams.js";

useFakeTime();

/** The collected metrics of one meter. */
interface Collected {
  readonly metrics: readonly MetricData[];
  /** The values of a metric, by their attributes as JSON. */
  values(name: string): Record<string, unknown>;
}

/** The SDK of OpenTelemetry, with a reader that collects on demand. */
function makeSdk(temporality = AggregationTemporality.CUMULATIVE) {
  const exporter = new InMemoryMetricExporter(temporality);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  return {
    provider,
    /** Collects once, as before each export. */
    async collect(meter: string): Promise<Collected> {
      const { resourceMetrics, errors } = await reader.collect();
      expect(errors).toEqual([]);
      const scopes = resourceMetrics.scopeMetrics;
      const metrics = scopes.find(({ scope }) => scope.name === meter)?.metrics ?? [];
      return {
        metrics,
        values(name) {
          const { dataPoints = [] } =
            metrics.find(({ descriptor }) => descriptor.name === name) ?? {};
          return Object.fromEntries(
            dataPoints.map(({ attributes, value }) => [JSON.stringify(attributes), value]),
          );
        },
      };
    },
  };
}

const INSTRUMENTS = [
  "gauge progress.streams {stream}",
  "gauge progress.polls {poll}",
  "gauge progress.slots {slot}",
  "gauge progress.watched_jobs {job}",
  "gauge progress.reporters {reporter}",
  "counter progress.streams.opened {stream}",
  "counter progress.streams.closed {stream}",
  "counter progress.deltas {delta}",
  "counter progress.bytes By",
  "counter progress.deltas.merged {delta}",
  "counter progress.resets {reset}",
  "counter progress.refusals {request}",
  "counter progress.jobs.ended {job}",
  "counter progress.store.failures {call}",
  "counter progress.store.duration.count 1",
  "counter progress.store.duration.sum s",
  "counter progress.store.duration.bucket 1",
  "counter progress.sweeps {sweep}",
  "counter progress.sweeps.jobs {job}",
  "counter progress.write_to_wire.count 1",
  "counter progress.write_to_wire.sum s",
  "counter progress.write_to_wire.bucket 1",
];

function nameOf({ descriptor, ...data }: MetricData): string {
  const isCounter = data.dataPointType === DataPointType.SUM && data.isMonotonic;
  const kind = isCounter ? "counter" : DataPointType[data.dataPointType].toLowerCase();
  return `${kind} ${descriptor.name} ${descriptor.unit}`;
}

describe("observeProgress with the SDK of OpenTelemetry", () => {
  /** The warnings of the SDK, such as those about names and about instruments that were registered twice. */
  const warn = vi.fn();

  beforeEach(() => {
    warn.mockClear();
    const rest = { error: warn, info() {}, debug() {}, verbose() {} };
    diag.setLogger(
      { warn, ...rest },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });

  afterEach(() => {
    diag.disable();
    expect(warn.mock.calls).toEqual([]);
  });

  test("given a progress, exports each instrument with its kind, its name, its unit and a description", async () => {
    const { provider, collect } = makeSdk();
    const { progress } = makeContext();
    await progress.handle(requestFacts("/none"));
    observeProgress(provider.getMeter("app"), progress);
    const { metrics } = await collect("app");
    expect(metrics.map(nameOf)).toEqual(INSTRUMENTS);
    for (const { descriptor } of metrics) expect(descriptor.description).toMatch(/^[A-Z].+[^.]$/);
  });

  test("given streams, refusals and ends, exports the values of each moment with their attributes", async () => {
    const { provider, collect } = makeSdk();
    const { progress, createJob } = makeContext();
    observeProgress(provider.getMeter("app"), progress);
    const id = await createJob();
    await openStream(progress, id);
    await progress.handle(requestFacts("/none"));
    const during = await collect("app");
    expect(during.values("progress.streams")).toEqual({ "{}": 1 });
    expect(during.values("progress.watched_jobs")).toEqual({ "{}": 1 });
    await progress.run(id, async () => {});
    await progress.sweep();
    await advance(0);

    const { values } = await collect("app");
    expect(values("progress.streams")).toEqual({ "{}": 0 });
    expect(values("progress.streams.opened")).toEqual({ "{}": 1 });
    expect(values("progress.streams.closed")).toMatchObject({
      '{"reason":"end"}': 1,
      '{"reason":"client"}': 0,
    });
    expect(values("progress.refusals")).toEqual({ '{"code":"job-not-found"}': 1 });
    expect(values("progress.jobs.ended")).toMatchObject({
      '{"status":"completed"}': 1,
      '{"status":"failed"}': 0,
    });
    expect(values("progress.bytes")).toEqual({ "{}": progress.metrics().bytes });
    expect(values("progress.sweeps")).toEqual({ "{}": 1 });
    expect(values("progress.sweeps.jobs")).toEqual({
      '{"transition":"stale"}': 0,
      '{"transition":"lost"}': 0,
      '{"transition":"timed-out"}': 0,
      '{"transition":"expired"}': 0,
    });
  });

  test("given calls of the store, exports their histogram as three counters, in seconds", async () => {
    const { provider, collect } = makeSdk();
    const { progress, store } = makeContext();
    observeProgress(provider.getMeter("app"), progress);
    const { create } = store;
    store.create = async (draft) => {
      await advance(30);
      return create(draft);
    };
    await progress.create({ kind: "test" });
    const { values } = await collect("app");
    expect(values("progress.store.duration.count")).toMatchObject({ '{"method":"create"}': 1 });
    expect(values("progress.store.duration.sum")).toMatchObject({ '{"method":"create"}': 0.03 });
    expect(values("progress.store.duration.bucket")).toMatchObject({
      '{"method":"create","le":0.025}': 0,
      '{"method":"create","le":0.05}': 1,
      '{"method":"create","le":10}': 1,
    });
  });

  test("given an exporter of differences, exports what came since the last collection", async () => {
    const { provider, collect } = makeSdk(AggregationTemporality.DELTA);
    const { progress } = makeContext();
    observeProgress(provider.getMeter("app"), progress);
    const refusals = [];
    for (const requests of [2, 1]) {
      for (let sent = 0; sent < requests; sent += 1) await progress.handle(requestFacts("/none"));
      refusals.push((await collect("app")).values("progress.refusals"));
    }
    expect(refusals).toEqual([
      { '{"code":"job-not-found"}': 2 },
      { '{"code":"job-not-found"}': 1 },
    ]);
  });

  test("given the returned function, reads the progress no more; an exporter of differences gets nothing", async () => {
    const { provider, collect } = makeSdk(AggregationTemporality.DELTA);
    const metrics = vi.fn(makeContext().progress.metrics);
    const stop = observeProgress(provider.getMeter("app"), { metrics });
    expect((await collect("app")).values("progress.sweeps")).toEqual({ "{}": 0 });
    stop();
    stop();
    const { values } = await collect("app");
    for (const instrument of INSTRUMENTS)
      expect(values(instrument.split(" ")[1] ?? ""), instrument).toEqual({});
    expect(metrics).toHaveBeenCalledTimes(1);
  });

  test("given the returned function, an exporter of totals repeats the last values", async () => {
    const { provider, collect } = makeSdk();
    const { progress, createJob } = makeContext();
    const stop = observeProgress(provider.getMeter("app"), progress);
    await openStream(progress, await createJob());
    await collect("app");
    stop();
    await openStream(progress, await createJob());
    expect((await collect("app")).values("progress.streams.opened")).toEqual({ "{}": 1 });
  });

  test("given two progresses with a meter each, exports the values of both", async () => {
    const { provider, collect } = makeSdk();
    for (const meter of ["videos", "imports"]) {
      const { progress, createJob } = makeContext();
      observeProgress(provider.getMeter(meter), progress);
      if (meter === "videos") await openStream(progress, await createJob());
    }
    expect((await collect("videos")).values("progress.streams")).toEqual({ "{}": 1 });
    expect((await collect("imports")).values("progress.streams")).toEqual({ "{}": 0 });
  });

  test("given a progress that is closed, a collection still works", async () => {
    const { provider, collect } = makeSdk();
    const { progress } = makeContext();
    observeProgress(provider.getMeter("app"), progress);
    await progress.close();
    expect((await collect("app")).values("progress.streams")).toEqual({ "{}": 0 });
  });
});
