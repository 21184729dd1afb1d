// The cost of watching for a cancel in a busy worker: the reads that its reporters cause, and the time from a cancel by
// another instance to the abort of the reporter's signal. Only the public API is used, so that any version can be
// measured.
import { setTimeout as pause } from "node:timers/promises";
import {
  allowAnyone,
  createProgress,
  memoryStore,
  type Progress,
  type ProgressStore,
} from "@emlinh/progress-server";
import { openStore } from "../conformance/stores/open-store.js";
import { withEachBackend } from "./lib/backends.js";
import { median, printTable, quantile, round } from "./lib/figures.js";

const JOBS = 100;
const UPDATES_PER_SECOND = 10;
const WARM_UP_MS = 2_000;
const MEASURED_MS = 10_000;
const BETWEEN_CANCELS_MS = 50;

/** The number of calls of a store. */
interface Calls {
  reads: number;
  writes: number;
}

/** One store, opened by the worker and by the instance that cancels. */
interface OpenedTwice {
  readonly worker: ProgressStore;
  readonly other: ProgressStore;
}

interface RunningJob {
  readonly id: string;
  /** Resolves with the time when its signal aborted. */
  readonly aborted: Promise<number>;
}

function countCalls(store: ProgressStore): {
  readonly store: ProgressStore;
  readonly calls: Calls;
} {
  const calls = { reads: 0, writes: 0 };
  const counted: ProgressStore = {
    ...store,
    read(jobId, after) {
      calls.reads += 1;
      return store.read(jobId, after);
    },
    write(jobId, change) {
      calls.writes += 1;
      return store.write(jobId, change);
    },
  };
  return { store: counted, calls };
}

/** Works on a job until it is cancelled. Resolves with the time when its signal aborted. */
async function work(progress: Progress, jobId: string): Promise<number> {
  let abortedAt = Number.NaN;
  await progress
    .run(jobId, async ({ signal, update }) => {
      signal.addEventListener("abort", () => {
        abortedAt = performance.now();
      });
      for (let count = 0; !signal.aborted; count += 1) {
        update({ metadata: { count } });
        await pause(1_000 / UPDATES_PER_SECOND);
      }
      signal.throwIfAborted();
    })
    // A cancelled job rejects.
    .catch(() => {});
  return abortedAt;
}

/** Starts all jobs, a little apart, because real jobs do not report in step. */
async function startJobs(worker: Progress, other: Progress): Promise<readonly RunningJob[]> {
  const jobs: RunningJob[] = [];
  for (let index = 0; index < JOBS; index += 1) {
    const { id } = await other.create({ kind: "bench" });
    jobs.push({ id, aborted: work(worker, id) });
    await pause(1_000 / UPDATES_PER_SECOND / JOBS);
  }
  await pause(WARM_UP_MS);
  return jobs;
}

/** What the worker does in a second, while nobody cancels. */
async function measureLoad(calls: Calls): Promise<Calls & { readonly cpuPercent: number }> {
  const before = { ...calls, cpu: process.cpuUsage(), at: performance.now() };
  await pause(MEASURED_MS);
  const { user, system } = process.cpuUsage(before.cpu);
  const elapsedMs = performance.now() - before.at;
  return {
    reads: ((calls.reads - before.reads) * 1_000) / elapsedMs,
    writes: ((calls.writes - before.writes) * 1_000) / elapsedMs,
    cpuPercent: (user + system) / 10 / elapsedMs,
  };
}

/** Cancels the jobs one by one. Returns the milliseconds from each cancel to the abort of its signal. */
async function cancelAll(jobs: readonly RunningJob[], other: Progress): Promise<readonly number[]> {
  const samplesMs: number[] = [];
  for (const { id, aborted } of jobs) {
    await pause(BETWEEN_CANCELS_MS * (0.5 + Math.random()));
    const cancelledAt = performance.now();
    await other.cancel(id);
    samplesMs.push((await aborted) - cancelledAt);
  }
  return samplesMs;
}

async function measure(name: string, stores: OpenedTwice): Promise<readonly string[]> {
  const { store, calls } = countCalls(stores.worker);
  const settings = { authorize: allowAnyone, sweepIntervalMs: false } as const;
  const worker = createProgress({ ...settings, store });
  const other = createProgress({ ...settings, store: stores.other });
  const jobs = await startJobs(worker, other);
  const load = await measureLoad(calls);
  const samplesMs = await cancelAll(jobs, other);
  await worker.close();
  await other.close();
  return [
    name,
    round(load.writes),
    round(load.reads, 1),
    `${round(load.cpuPercent, 1)} %`,
    `${round(median(samplesMs))} ms`,
    `${round(quantile(samplesMs, 0.99))} ms`,
  ];
}

async function measureMemory(): Promise<readonly string[]> {
  const store = memoryStore();
  const row = await measure("memory", { worker: store, other: store });
  await store.close();
  return row;
}

const rows = [
  await measureMemory(),
  ...(await withEachBackend(
    async (name, address) => {
      const [worker, other] = [await openStore(address), await openStore(address)];
      const row = await measure(name, { worker: worker.store, other: other.store });
      await worker.close();
      await other.close();
      return row;
    },
    ["sqlite", "redis"],
  )),
];

printTable(
  `A busy worker: ${JOBS} jobs, ${UPDATES_PER_SECOND} updates/s each, cancelled one by one by another instance`,
  ["store", "writes/s", "reads/s", "CPU of a core", "cancel to signal, median", "p99"],
  rows,
);
