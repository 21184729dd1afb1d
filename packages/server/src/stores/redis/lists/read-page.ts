import type { JobPage, PageRequest } from "../../../core/store.js";
import { existingJobs } from "./existing-jobs.js";
import type { ListCalls } from "./list-calls.js";
import type { ListEntry } from "./list-entry.js";

/**
 * Once a page has read so many entries, it ends although it has fewer jobs than its limit, because most of the entries
 * are those of jobs that do not exist. The next page begins after the last entry that was read.
 */
const MAX_ENTRIES = 2_000;

/** Reads entries until the page is full, and one job more, which tells whether another page follows. */
export async function readPage(
  calls: ListCalls,
  subject: string,
  { limit, before }: PageRequest,
): Promise<JobPage> {
  const found: ListEntry[] = [];
  let below = positionOf(before);
  let count = limit + 1;
  for (let seen = 0; below > 0 && seen < MAX_ENTRIES; seen += count) {
    if (seen > 0) count = Math.min(2 * count, MAX_ENTRIES);
    const read = await calls.read(subject, below, count);
    found.push(...(await existingJobs(calls, read)));
    if (found.length > limit) return pageOf(found.slice(0, limit), found[limit - 1]?.position);
    below = read.entries.length < count ? 0 : (read.entries.at(-1)?.position ?? 0);
  }
  return pageOf(found, below > 0 ? below : undefined);
}

function pageOf(entries: readonly ListEntry[], next: number | undefined): JobPage {
  return {
    jobs: entries.map(({ jobId }) => jobId),
    next: next === undefined ? undefined : String(next),
  };
}

/** The position in a `next`; 0, below which no entry is, for any other text. */
function positionOf(before: string | undefined): number {
  if (before === undefined) return Number.POSITIVE_INFINITY;
  return /^\d{1,16}$/.test(before) ? Number(before) : 0;
}
