import { ProgressError } from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import type { Settings } from "../options.js";

/** Bounds the reports over HTTP that each job takes: per second, and those that are not answered yet. */
export interface ReportLimiter {
  /**
   * Counts a report.
   *
   * @returns a function that is called once the report is answered.
   * @throws ProgressError `too-many-reports`
   */
  take(jobId: string): () => void;
}

/** A bucket holds the reports of this many seconds, so a worker may send that many at once. */
const BURST_SECONDS = 2;

/** The reports of a job that may wait for an answer: a worker waits for each, and a body takes memory until then. */
const MAX_OPEN = 10;

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
  const openByJob = new Map<string, number>();
  let newer = new Map<string, number>();
  let older = new Map<string, number>();
  let begunAt = elapsed();

  function beginGeneration(now: number): void {
    older = newer;
    newer = new Map();
    begunAt = now;
  }

  function count(jobId: string): void {
    const now = elapsed();
    if (now - begunAt > burstMs || newer.size >= MAX_JOBS) beginGeneration(now);
    const fullAt = Math.max(now, newer.get(jobId) ?? older.get(jobId) ?? 0) + reportMs;
    // Half a report more, because the sums of fractions are not exact.
    if (fullAt - now > burstMs + reportMs / 2) throw tooManyPerSecond(jobId, maxReportsPerSecond);
    newer.set(jobId, fullAt);
  }

  function close(jobId: string): void {
    const left = (openByJob.get(jobId) ?? 1) - 1;
    if (left > 0) openByJob.set(jobId, left);
    else openByJob.delete(jobId);
  }

  return {
    take(jobId) {
      const open = openByJob.get(jobId) ?? 0;
      if (open >= MAX_OPEN) throw tooManyOpen(jobId);
      count(jobId);
      openByJob.set(jobId, open + 1);
      return () => close(jobId);
    },
  };
}

function tooManyPerSecond(jobId: string, max: number): ProgressError {
  const remedy = "Merge the reports of the worker, or raise maxReportsPerSecond.";
  return tooManyReports(`The job "${jobId}" takes at most ${max} reports per second. ${remedy}`);
}

function tooManyOpen(jobId: string): ProgressError {
  const fault = `${MAX_OPEN} reports for the job "${jobId}" wait for an answer, which is the limit.`;
  return tooManyReports(`${fault} A worker sends the next one after the answer.`);
}

function tooManyReports(message: string): ProgressError {
  return new ProgressError("too-many-reports", { message, retryable: true, status: 429 });
}
