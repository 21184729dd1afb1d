// The time from a cancel in one process to the abort of the worker's signal in another. The worker reports on each job
// ten times a second meanwhile.
import { allowAnyone, createProgress } from "@emlinh/progress-server";
import { openStore } from "../conformance/stores/open-store.js";
import { withEachBackend } from "./lib/backends.js";
import { now } from "./lib/clock.js";
import { median, printTable, quantile, round } from "./lib/figures.js";
import { startProgram } from "./lib/processes.js";

const JOBS = 50;

const rows = await withEachBackend(async (name, address) => {
  const { store, close } = await openStore(address);
  const progress = createProgress({ store, authorize: allowAnyone, sweepIntervalMs: false });
  const jobIds: string[] = [];
  for (let index = 0; index < JOBS; index += 1)
    jobIds.push((await progress.create({ kind: "bench" })).id);
  const worker = startProgram("worker", { address, jobIds, everyMs: 100, updates: 10_000 });
  const running = new Set<string>();
  await worker.next<{ running?: string }>(({ running: jobId }) => {
    if (jobId !== undefined) running.add(jobId);
    return running.size === JOBS;
  });
  const samplesMs: number[] = [];
  for (const jobId of jobIds) {
    const begun = now();
    const aborted = worker.next<{ aborted?: string; at: number }>(
      (message) => message.aborted === jobId,
    );
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
