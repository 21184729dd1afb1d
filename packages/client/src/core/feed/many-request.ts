import type { Cursor } from "@emlinh/progress-protocol";
import type { FeedReceiver, FeedTargets } from "./feed.js";

/** One request for many jobs, and the deltas that it may bring. */
export interface ManyRequest {
  /** The jobs that it asked for by name, and which were wanted ever since. */
  readonly jobs: Set<string>;
  /** The lists that it asked for, and which were wanted ever since. */
  readonly subjects: Set<string>;
  readonly limit: number;
  /**
   * The jobs whose deltas were all received since the request was sent. A delta of another job is dropped, because it
   * may follow one that was dropped.
   */
  readonly carried: Set<string>;
  /** Where the server has the reader: the cursors of the request, then those of the deltas, by job. */
  readonly told: Map<string, Cursor>;
  /** Whether everything that it asked for has arrived. */
  isReady: boolean;
}

export function manyRequest(
  { jobs, subjects, limit }: FeedTargets,
  receiver: FeedReceiver,
  told: Map<string, Cursor>,
): ManyRequest {
  const carried = new Set([...jobs, ...listedJobs(subjects, receiver)]);
  return { jobs: new Set(jobs), subjects: new Set(subjects), limit, carried, told, isReady: false };
}

/** Whether a request asks for all targets. */
export function covers(
  request: ManyRequest | undefined,
  { jobs, subjects, limit }: FeedTargets,
): boolean {
  if (!request || (subjects.length > 0 && request.limit !== limit)) return false;
  return (
    jobs.every((jobId) => request.jobs.has(jobId)) &&
    subjects.every((subject) => request.subjects.has(subject))
  );
}

/**
 * Notes that a request has wanted targets only. One that is not wanted for a while is asked for again: its receiver may
 * have forgotten the list, and deltas of the job were dropped.
 */
export function dropUnwanted(
  { jobs: named, subjects: lists, carried }: ManyRequest,
  { jobs, subjects }: FeedTargets,
  receiver: FeedReceiver,
): void {
  for (const subject of lists) if (!subjects.includes(subject)) lists.delete(subject);
  const wanted = new Set(jobs);
  for (const jobId of named) if (!wanted.has(jobId)) named.delete(jobId);
  for (const jobId of listedJobs(subjects, receiver)) wanted.add(jobId);
  for (const jobId of carried) if (!wanted.has(jobId)) carried.delete(jobId);
}

function listedJobs(subjects: readonly string[], { listOf }: FeedReceiver): readonly string[] {
  return subjects.flatMap((subject) => listOf(subject)?.jobs ?? []);
}
