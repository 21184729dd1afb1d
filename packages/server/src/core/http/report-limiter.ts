import { ProgressError } from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import type { Settings } from "../options.js";

/** Bounds the reports over HTTP that each job takes per second. */
export interface ReportLimiter {
  /**
   * Counts a report.
   *
   * @throws ProgressError `too-many-reports`
   */
  take(jobId: string): void;
}

/** A bucket holds the reports of this many seconds, so a worker may send that many at once. */
const BURST_SECONDS = 2;

/** The jobs of one generation. The ids come from requests, so their number is bounded. */
const MAX_JOBS = 10_000;

/**
 * Starts with full buckets. A bucket is the time at which it is full again: that of a job that has not reported for
 * `BURST_SECONDS` is full, so it is forgotten. Jobs are kept in two generations, which needs no timer and no search:
 * once the newer one is as old as that, or has `MAX_JOBS` jobs, the older one is dropped.
 */
export function reportLimiter({
  maxReportsPerSecond,
}: Pick<Settings, "maxReportsPerSecond">): ReportLimiter {
  const burstMs = BURST_SECONDS * 1000;
  const reportMs = 1000 / maxReportsPerSecond;
  let newer = new Map<string, number>();
  let older = new Map<string, number>();
  let begunAt = elapsed();

  function beginGeneration(now: number): void {
    older = newer;
    newer = new Map();
    begunAt = now;
  }

  return {
    take(jobId) {
      const now = elapsed();
      if (now - begunAt > burstMs || newer.size >= MAX_JOBS) beginGeneration(now);
      const fullAt = Math.max(now, newer.get(jobId) ?? older.get(jobId) ?? 0) + reportMs;
      // Half a report more, because the sums of fractions are not exact.
      if (fullAt - now > burstMs + reportMs / 2) throw tooManyReports(jobId, maxReportsPerSecond);
      newer.set(jobId, fullAt);
    },
  };
}

function tooManyReports(jobId: string, max: number): ProgressError {
  return new ProgressError("too-many-reports", {
    message:
      `The job "${jobId}" takes at most ${max} reports per second. ` +
      "Merge the reports of the worker, or raise maxReportsPerSecond.",
    retryable: true,
    status: 429,
    details: { jobId, max },
  });
}
