/** @import { MetricsHistogram, ProgressMetrics } from "@emlinh/progress-server" */

/** The type of the text format of Prometheus. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The figures of a progress in the text format of Prometheus. Durations are seconds there.
 *
 * @param {ProgressMetrics} metrics
 */
export function metricsText(metrics) {
  const { streamsClosed, refusals, endedJobs, store, sweeps } = metrics;
  const calls = Object.entries(store);
  const { runs, stale, lost, timedOut, expired } = sweeps;
  return [
    one("streams", "gauge", "Open streams", metrics.streams),
    one("polls", "gauge", "Long polls that are held", metrics.polls),
    one("slots", "gauge", "Slots of maxStreams that are taken", metrics.slots),
    one("watched_jobs", "gauge", "Jobs watched for readers", metrics.watchedJobs),
    one("reporters", "gauge", "Jobs open for work", metrics.reporters),
    one("streams_opened_total", "counter", "Streams opened", metrics.streamsOpened),
    many("streams_closed_total", "Streams closed", "reason", streamsClosed),
    one("deltas_total", "counter", "Deltas written to streams", metrics.deltas),
    one("bytes_total", "counter", "Bytes written to streams", metrics.bytes),
    one("merged_deltas_total", "counter", "Merged for slow readers", metrics.mergedDeltas),
    one("resets_total", "counter", "Readers whose cursor was unknown", metrics.resets),
    many("refusals_total", "Refused requests", "code", refusals),
    many("jobs_ended_total", "Jobs that this process ended", "status", endedJobs),
    one("sweeps_total", "counter", "Sweeps", runs),
    many("swept_jobs_total", "Jobs that sweeps changed", "transition", {
      stale,
      lost,
      "timed-out": timedOut,
      expired,
    }),
    many(
      "store_failures_total",
      "Calls of the store that failed",
      "method",
      Object.fromEntries(calls.map(([method, { failed }]) => [method, failed])),
    ),
    histogram(
      "store_duration_seconds",
      "Calls of the store",
      calls.map(([method, { duration }]) => [`method="${method}"`, duration]),
    ),
    histogram("write_to_wire_seconds", "From the store to the readers", [
      ["", metrics.writeToWire],
    ]),
  ]
    .flat()
    .map((line) => `${line}\n`)
    .join("");
}

/** @param {string} name @param {string} type @param {string} help */
function head(name, type, help) {
  return [`# HELP progress_${name} ${help}`, `# TYPE progress_${name} ${type}`];
}

/** @param {string} name @param {"gauge" | "counter"} type @param {string} help @param {number} value */
function one(name, type, help, value) {
  return [...head(name, type, help), `progress_${name} ${value}`];
}

/** @param {string} name @param {string} help @param {string} label @param {Record<string, number>} values */
function many(name, help, label, values) {
  const lines = Object.entries(values).map(
    ([key, value]) => `progress_${name}{${label}="${key}"} ${value}`,
  );
  return [...head(name, "counter", help), ...lines];
}

/** @param {string} name @param {string} help @param {(readonly [labels: string, MetricsHistogram])[]} histograms */
function histogram(name, help, histograms) {
  const lines = histograms.flatMap(([labels, { count, sumMs, buckets }]) => {
    const own = labels === "" ? "" : `{${labels}}`;
    const bounds = [
      ...buckets.map(({ leMs, count }) => ({ le: String(leMs / 1000), count })),
      { le: "+Inf", count },
    ];
    return [
      ...bounds.map(({ le, count }) => {
        const all = [labels, `le="${le}"`].filter(Boolean).join(",");
        return `progress_${name}_bucket{${all}} ${count}`;
      }),
      `progress_${name}_sum${own} ${sumMs / 1000}`,
      `progress_${name}_count${own} ${count}`,
    ];
  });
  return [...head(name, "histogram", help), ...lines];
}
