import {
  type Change,
  type HoldWrite,
  MAX_CHANGE_BYTES,
  mergeChanges,
} from "@emlinh/progress-protocol";

/** Changes that wait to be stored, merged into one write. */
export interface PendingWrite {
  readonly change: Pick<Change, "set" | "log" | "lostLines">;
  /** At least the bytes that it takes as JSON. */
  readonly bytes: number;
  /** The number of the last change in it. */
  readonly upTo: number;
  /** Whether nothing follows it: it ends the job, or gives it back to the queue. */
  readonly isLast: boolean;
  /**
   * The name under which it was sent without an answer. It may be stored already, so it keeps this name, and is not
   * merged with others any more.
   */
  readonly sentAs?: HoldWrite | undefined;
}

/**
 * Appends a write to the queue: merged into the last one if both fit into one change. The fields that it sets are
 * removed from the writes before it, so that the queue is never larger than the state, however long the store is
 * unavailable.
 */
export function appendWrite(
  queue: readonly PendingWrite[],
  next: PendingWrite,
): readonly PendingWrite[] {
  const last = queue.at(-1);
  if (last !== undefined && isUnsent(last) && last.bytes + next.bytes <= MAX_CHANGE_BYTES) {
    const change = mergeChanges(last.change, next.change);
    return [...queue.slice(0, -1), { ...next, change, bytes: last.bytes + next.bytes }];
  }
  return [...queue.map((write) => withoutFieldsOf(write, next)).filter(holdsAnything), next];
}

/**
 * Drops the oldest lines over `maxLines` from the queue. The write that has the next line counts them as lost, so that
 * readers see a gap (P9).
 */
export function trimLines(
  queue: readonly PendingWrite[],
  maxLines: number,
): readonly PendingWrite[] {
  const lines = queue.filter(isUnsent).reduce((sum, { change }) => sum + change.log.length, 0);
  let excess = lines - maxLines;
  if (excess <= 0) return queue;
  let lost = 0;
  const trimmed = queue.map((write) => {
    const { log, lostLines = 0 } = write.change;
    if (!isUnsent(write) || log.length === 0) return write;
    const kept = log.slice(excess);
    lost += lostLines + log.length - kept.length;
    excess -= log.length - kept.length;
    if (kept.length === 0)
      return { ...write, change: { ...write.change, log: kept, lostLines: 0 } };
    const withLost = { ...write, change: { ...write.change, log: kept, lostLines: lost } };
    lost = 0;
    return withLost;
  });
  return trimmed.filter(holdsAnything);
}

function isUnsent({ sentAs }: PendingWrite): boolean {
  return sentAs === undefined;
}

function withoutFieldsOf(write: PendingWrite, next: PendingWrite): PendingWrite {
  if (!isUnsent(write)) return write;
  const kept = Object.entries(write.change.set).filter(
    ([field]) => !Object.hasOwn(next.change.set, field),
  );
  return { ...write, change: { ...write.change, set: Object.fromEntries(kept) } };
}

function holdsAnything(write: PendingWrite): boolean {
  const { set, log } = write.change;
  return !isUnsent(write) || log.length > 0 || Object.keys(set).length > 0;
}
