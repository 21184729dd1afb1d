import type { SweepReport } from "../../core/store.js";
import { type OnSweptEnd, sweepCounts } from "../../shared/lifecycle.js";
import { whenFree } from "./busy.js";
import type { SqliteJobs } from "./jobs.js";
import type { SqliteStoreSettings } from "./options.js";
import type { Statements } from "./statements.js";
import type { WriteQueue } from "./write-queue.js";

/** Jobs that a sweep changes in one transaction. Other calls get a turn between two transactions. */
const SWEEP_BATCH = 50;

/** The dependencies of a sweep. */
export interface SweepTools {
  readonly settings: SqliteStoreSettings;
  readonly jobs: Pick<SqliteJobs, "sweep">;
  readonly writes: WriteQueue;
  statements(): Statements;
}

/** The parameters of one sweep. */
export interface SweepInput {
  readonly now: number;
  readonly limit: number;
  readonly onEnd: OnSweptEnd | undefined;
}

/** Runs one sweep. It takes the file's write lock only if something is due; most sweeps find nothing. */
export async function sweepJobs(
  tools: SweepTools,
  { now, limit, onEnd }: SweepInput,
): Promise<SweepReport> {
  const { jobs, writes } = tools;
  const counts = sweepCounts(onEnd);
  let left = limit;
  let more = await isDue(tools, now);
  if (!more && (await hasOldTombstones(tools, now))) await writes.run(jobs.sweep(now, SWEEP_BATCH));
  while (more && left > 0) {
    const swept = await writes.run(jobs.sweep(now, Math.min(left, SWEEP_BATCH)));
    for (const { jobId, transition } of swept) counts.add(transition, jobId);
    left -= swept.length;
    more = await isDue(tools, now);
  }
  return counts.report(more);
}

function isDue({ statements, settings }: SweepTools, now: number): Promise<boolean> {
  return whenFree(() => (statements().nextDue() ?? never) <= now, settings.busyTimeoutMs);
}

function hasOldTombstones({ statements, settings }: SweepTools, now: number): Promise<boolean> {
  const until = now - settings.tombstoneTtlMs;
  return whenFree(() => (statements().firstRemoved() ?? never) <= until, settings.busyTimeoutMs);
}

const never = Number.POSITIVE_INFINITY;
