// From a cancel at one process to the worker's signal in another, while the worker reports ten times a second.
import { allowAnyone, createProgress } from "@emlinh/progress-server";
import { openStore } from "../conformance/stores/open-store.js";
import { median, printTable, quantile, round } from "./lib/figures.js";
import { onEach } from "./lib/places.js";
import { now, start } from "./lib/processes.js";

const JOBS = 50;

const rows = await onEach(async (name, place) => {
  const { store, close } = await openStore(place);
  const progress = createProgress({ store, authorize: allowAnyone, sweepIntervalMs: false });
  const jobIds: string[] = [];
  for (let by = 0; by < JOBS; by += 1) jobIds.push((await progress.create({ kind: "bench" })).id);
  const worker = start("worker", { place, jobIds, everyMs: 100, updates: 10_000 });
  const running = new Set<string>();
  await worker.next<{ running?: string }>(({ running: jobId }) => {
    if (jobId !== undefined) running.add(jobId);
    return running.size === JOBS;
  });
  const samplesMs: number[] = [];
  for (const jobId of jobIds) {
    const begun = now();
    const aborted = worker.next<{ aborted?: string; at: number }>((said) => said.aborted === jobId);
    await progress.cancel(jobId);
    samplesMs.push((await aborted).at - begun);
  }
  await worker.end();
  await progress.close();
  await close();
  return [name, `${round(median(samplesMs))} ms`, `${round(quantile(samplesMs, 0.99))} ms`];
});

printTable(
  `From cancel to the worker's signal, in another process (${JOBS} jobs, 10 reports/s each)`,
  ["store", "median", "p99"],
  rows,
);
