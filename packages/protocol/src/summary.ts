import { isTerminal, type JobState, type JobTypes } from "./state.js";

/** The progress of a batch of jobs (P69). */
export interface JobsSummary {
  readonly total: number;
  /** Jobs that are `completed`. */
  readonly finished: number;
  /** Jobs that have ended otherwise. */
  readonly failed: number;
  /** 0..100, or `null` without jobs. 100 only when every job has ended. */
  readonly percent: number | null;
  /** Estimated milliseconds until the last job ends, above 0; `null` while one of them has no estimate. */
  readonly etaMs: number | null;
}

/**
 * The progress of a batch, as its bar shows it. An ended job counts as 100 %, however it ended. Jobs run side by side,
 * so the estimate is that of the slowest one.
 */
export function summaryOf<Job extends JobTypes>(jobs: readonly JobState<Job>[]): JobsSummary {
  const total = jobs.length;
  const finished = jobs.filter(({ status }) => status === "completed").length;
  const active = jobs.filter(({ status }) => !isTerminal(status));
  const failed = total - active.length - finished;
  return { total, finished, failed, percent: percentOf(active, total), etaMs: etaOf(active) };
}

type Active = readonly Pick<JobState, "percent" | "etaMs">[];

function percentOf(active: Active, total: number): number | null {
  if (total === 0) return null;
  if (active.length === 0) return 100;
  const ended = 100 * (total - active.length);
  const sum = active.reduce((before, { percent }) => before + (percent ?? 0), ended);
  return Math.min(99, Math.floor((10 * sum) / total) / 10);
}

function etaOf(active: Active): number | null {
  let longest: number | null = null;
  for (const { etaMs } of active) {
    if (etaMs === null) return null;
    longest = Math.max(longest ?? 0, etaMs);
  }
  return longest;
}
