import { describe, expect, test } from "vitest";
import type { ProgressMetrics } from "../src/index.js";
import { type ObserveInstruments, observeProgress, type ProgressMeter } from "../src/otel.js";
import { advance, makeContext, useFakeTime } from "./core/context.js";
import { requestFacts } from "./core/requests.js";
import { openStream } from "./core/streams.js";

useFakeTime();

interface Instrument {
  readonly name: string;
  readonly kind: string;
  readonly unit: string | undefined;
}

/** A meter that keeps its instruments, and collects on demand. */
function fakeMeter() {
  const instruments: Instrument[] = [];
  const callbacks = new Map<ObserveInstruments, readonly object[]>();
  const create = (kind: string) => (name: string, options?: { unit?: string }) => {
    const instrument = { name, kind, unit: options?.unit };
    instruments.push(instrument);
    return instrument;
  };
  const meter: ProgressMeter = {
    createObservableGauge: create("gauge"),
    createObservableCounter: create("counter"),
    addBatchObservableCallback: (callback, observed) => void callbacks.set(callback, [...observed]),
    removeBatchObservableCallback(callback, observed) {
      expect(observed).toEqual(callbacks.get(callback));
      callbacks.delete(callback);
    },
  };
  return {
    meter,
    instruments,
    callbacks,
    /** The values by name and attributes: `progress.refusals{"code":"forbidden"}`. */
    collect() {
      const values = new Map<string, number>();
      for (const [callback, observed] of callbacks)
        callback({
          observe(instrument, value, attributes) {
            expect(observed).toContain(instrument);
            const labels = attributes && Object.keys(attributes).length > 0;
            const { name } = instrument as Instrument;
            const key = labels ? name + JSON.stringify(attributes) : name;
            expect(values.has(key)).toBe(false);
            values.set(key, value);
          },
        });
      return values;
    },
  };
}

describe("observeProgress", () => {
  test("given a meter, registers gauges and counters, each with a unit, under one prefix", () => {
    const { meter, instruments } = fakeMeter();
    observeProgress(meter, makeContext().progress);
    expect(instruments.length).toBeGreaterThan(15);
    expect(new Set(instruments.map(({ name }) => name)).size).toBe(instruments.length);
    for (const { name, unit } of instruments) {
      expect(name).toMatch(/^progress\.[a-z_.]+$/);
      expect(unit).toBeTruthy();
    }
    const gauges = instruments.filter(({ kind }) => kind === "gauge").map(({ name }) => name);
    expect(gauges).toEqual([
      "progress.streams",
      "progress.polls",
      "progress.slots",
      "progress.watched_jobs",
      "progress.reporters",
    ]);
  });

  test("given streams, refusals and ends, each collection has the figures of that moment", async () => {
    const { meter, collect } = fakeMeter();
    const { progress, createJob } = makeContext();
    observeProgress(meter, progress);
    expect(collect().get("progress.streams")).toBe(0);
    const id = await createJob();
    await openStream(progress, id);
    await progress.handle(requestFacts("/none"));
    expect(collect().get("progress.streams")).toBe(1);
    await progress.run(id, async () => {});
    await progress.sweep();
    await advance(0);
    const values = collect();
    expect(values.get("progress.streams")).toBe(0);
    expect(values.get("progress.streams.opened")).toBe(1);
    expect(values.get('progress.streams.closed{"reason":"end"}')).toBe(1);
    expect(values.get('progress.refusals{"code":"job-not-found"}')).toBe(1);
    expect(values.get('progress.jobs.ended{"status":"completed"}')).toBe(1);
    expect(values.get('progress.store.duration.count{"method":"create"}')).toBe(1);
    expect(values.get('progress.store.duration.bucket{"method":"create","le":0.001}')).toBe(1);
    expect(values.get("progress.sweeps")).toBe(1);
    expect(values.get('progress.sweeps.jobs{"transition":"timed-out"}')).toBe(0);
  });

  test("given a collection, reads the metrics once, and every number of them is observed", () => {
    const { meter, collect } = fakeMeter();
    let reads = 0;
    let next = 1_000;
    const metrics = numbered(makeContext().progress.metrics(), () => (next += 1));
    observeProgress(meter, {
      metrics() {
        reads += 1;
        return metrics as ProgressMetrics;
      },
    });
    const observed = [...collect().values()].map((value) => Math.round(value * 1000) / 1000);
    expect(reads).toBe(1);
    const expected = leavesOf(metrics).filter(([key]) => key !== "leMs");
    for (const [key, value] of expected)
      expect(observed, key).toContain(key === "sumMs" ? value / 1000 : value);
    expect(observed).toHaveLength(expected.length);
  });

  test("given the returned function, observes no more; it may be called twice", () => {
    const { meter, collect, callbacks } = fakeMeter();
    const stop = observeProgress(meter, makeContext().progress);
    stop();
    stop();
    expect(callbacks.size).toBe(0);
    expect(collect().size).toBe(0);
  });
});

/** The same figures with another number in each place, except for the bounds. */
function numbered(value: unknown, next: () => number): unknown {
  if (typeof value === "number") return next();
  if (Array.isArray(value)) return value.map(({ leMs }) => ({ leMs, count: next() }));
  const entries = Object.entries(value as object);
  return Object.fromEntries(entries.map(([key, inner]) => [key, numbered(inner, next)]));
}

function leavesOf(value: unknown): [key: string, value: number][] {
  return Object.entries(value as object).flatMap(([key, inner]): [string, number][] =>
    typeof inner === "number" ? [[key, inner]] : leavesOf(inner),
  );
}
