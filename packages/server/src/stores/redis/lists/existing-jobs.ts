import type { ListCalls, ListedEntries } from "./list-calls.js";
import type { ListEntry } from "./list-entry.js";

/**
 * Milliseconds after which an entry without a job is removed. Until then the creation of its job may be under way: a
 * job is created within half of this time after its entry was added, and the clocks of two nodes may differ by the
 * other half.
 */
export const ENTRY_GRACE_MS = 60_000;

/** Microseconds in a millisecond. */
export const MICROSECONDS = 1_000;

/**
 * Returns the entries whose jobs exist. Removes the others, unless their creation may be under way, and wakes the
 * watchers in case that the removal of a job did not. Nothing waits for that, because a server may answer reads and
 * refuse writes.
 */
export async function existingJobs(
  calls: ListCalls,
  { subject, now, entries }: ListedEntries,
): Promise<readonly ListEntry[]> {
  const epochs = await calls.epochs(entries.map(({ jobId }) => jobId));
  const exists = ({ jobId, epoch }: ListEntry): boolean => epochs.get(jobId) === epoch;
  const settledBefore = now - ENTRY_GRACE_MS * MICROSECONDS;
  const gone = entries.filter((entry) => entry.position < settledBefore && !exists(entry));
  // If this fails, another read removes them.
  if (gone.length > 0) calls.remove(subject, gone, { wakes: true }).catch(() => {});
  return entries.filter(exists);
}
