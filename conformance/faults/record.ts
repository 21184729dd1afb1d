import type { ConnectionState, JobState, JobWatch, LogLine } from "@emlinh/progress-client";

/** Everything that a watch delivered of one job, in order. */
export interface Record {
  readonly job: JobState | null;
  /** The lines as `on("log")` delivered them since the last reset, so that a lost or a repeated one can be seen. */
  readonly log: readonly LogLine[];
  /** How often `on("end")` was called. */
  readonly ends: number;
  /** How the promise of the result settled: with a value, or with the code of an error. `null` while it is pending. */
  readonly settled: { readonly value?: unknown; readonly code?: string } | null;
  /** Every percent that was shown, in order, without repetitions. */
  readonly percents: readonly (number | null)[];
  /** The `updatedAt` of each state that was shown, in order, without repetitions. */
  readonly updates: readonly number[];
  /** Every status of the connection, in order, without repetitions. */
  readonly connections: readonly ConnectionState["status"][];
  readonly resets: number;
}

/**
 * Records everything that a watch delivers. Runs in Node and in a page.
 *
 * @param changed - Receives the record after each change.
 * @returns a function that stops the watch and the recording.
 */
export function recordWatch(watch: JobWatch, changed: (record: Record) => void): () => void {
  let record: Record = {
    job: null,
    log: [],
    ends: 0,
    settled: null,
    percents: [],
    updates: [],
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
    watch.on("reset", () => add({ resets: record.resets + 1, log: [] })),
    watch.subscribe(() => {
      const { job, connection } = watch.getSnapshot();
      const { percents, updates, connections } = record;
      const percent = job?.percent ?? null;
      const update = job?.updatedAt;
      add({
        job: job ?? null,
        percents: percents.at(-1) === percent ? percents : [...percents, percent],
        updates: update === undefined || updates.at(-1) === update ? updates : [...updates, update],
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
