import type { ConnectionState, JobState, JobWatch, LogLine } from "@emlinh/progress-client";

/** All that a page was told of one job, in the order in which it was told. */
export interface Record {
  readonly job: JobState | null;
  /** The lines as `on("log")` gave them: a doubled or a lost one shows here. */
  readonly log: readonly LogLine[];
  /** How often `on("end")` was called. */
  readonly ends: number;
  /** The result, once its promise settled: its value, or the code it was rejected with. */
  readonly settled: { readonly value?: unknown; readonly code?: string } | null;
  /** Every percent that was shown, the last one last. */
  readonly percents: readonly (number | null)[];
  /** Every status of the connection, without repetition. */
  readonly connections: readonly ConnectionState["status"][];
  readonly resets: number;
}

/** Writes down what a watch tells, and hands on each change. Runs in Node and in a page. */
export function recordWatch(watch: JobWatch, changed: (record: Record) => void): () => void {
  let record: Record = {
    job: null,
    log: [],
    ends: 0,
    settled: null,
    percents: [],
    connections: [],
    resets: 0,
  };
  const add = (part: Partial<Record>) => {
    record = { ...record, ...part };
    changed(record);
  };
  const stops = [
    watch.on("log", (line) => add({ log: [...record.log, line] })),
    watch.on("end", () => add({ ends: record.ends + 1 })),
    watch.on("reset", () => add({ resets: record.resets + 1 })),
    watch.subscribe(() => {
      const { job, connection } = watch.getSnapshot();
      const { percents, connections } = record;
      const percent = job?.percent ?? null;
      add({
        job: job ?? null,
        percents: percents.at(-1) === percent ? percents : [...percents, percent],
        connections:
          connections.at(-1) === connection.status
            ? connections
            : [...connections, connection.status],
      });
    }),
  ];
  watch.result.then(
    (value) => add({ settled: { value } }),
    (error: { code?: string }) => add({ settled: { code: error.code ?? "unknown" } }),
  );
  return () => {
    for (const stop of stops) stop();
    watch.stop();
  };
}
