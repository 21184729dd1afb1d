import type { Change, Cursor, Delta, NewLogLine } from "@emlinh/progress-protocol";
import type { GuardedStore } from "../guarded-store.js";
import type { PendingWrite } from "./pending-writes.js";

/** The job of a reporter, and the cursor of its last acknowledged write. */
interface WrittenJob {
  readonly store: GuardedStore;
  readonly jobId: string;
  readonly cursor: Cursor;
}

/**
 * Whether a write that got no answer is stored nevertheless. Writing it twice would append its lines twice, and would
 * find its own end and be refused.
 */
export async function isWritten(
  { store, jobId, cursor }: WrittenJob,
  { change, isLast }: PendingWrite,
): Promise<boolean> {
  if (change.log.length === 0 && !isLast) return false;
  const delta = await store.read(jobId, cursor);
  if (delta === undefined) return false;
  return isLast ? hasStatusOf(delta, change) : containsInARow(delta.log, change.log);
}

function hasStatusOf({ set }: Delta, change: Pick<Change, "set">): boolean {
  return set.status === change.set.status && set.finishedAt === change.set.finishedAt;
}

function containsInARow(log: readonly NewLogLine[], lines: readonly NewLogLine[]): boolean {
  return log.some((_, start) => lines.every((line, index) => isSameLine(log[start + index], line)));
}

function isSameLine(one: NewLogLine | undefined, other: NewLogLine): boolean {
  return one?.at === other.at && one.text === other.text && one.level === other.level;
}
