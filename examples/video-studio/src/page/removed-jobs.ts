/**
 * The jobs that have left a list because they were removed. Newer jobs push the oldest ones out of a list that goes on:
 * these are still there.
 *
 * @param before - The ids of the earlier list, the newest job first.
 * @param hasMore - Whether the list goes on after `after`.
 */
export function removedJobs(
  before: readonly string[],
  after: readonly string[],
  hasMore: boolean,
): readonly string[] {
  const present = new Set(after);
  const end = hasMore ? before.findLastIndex((id) => present.has(id)) : before.length;
  return before.filter((id, index) => index < end && !present.has(id));
}
