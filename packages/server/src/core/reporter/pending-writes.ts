import {
  type Change,
  MAX_CHANGE_BYTES,
  mergeChanges,
  type NewLogLine,
} from "@emlinh/progress-protocol";

/** Changes that wait to be stored, merged into one write. */
export interface PendingWrite {
  readonly change: Pick<Change, "set" | "log">;
  /** At least the bytes that it takes as JSON. */
  readonly bytes: number;
  /** The number of the last change in it. */
  readonly upTo: number;
  /** Whether nothing follows it: it ends the job, or gives it back to the queue. */
  readonly isLast: boolean;
  /**
   * Whether it was sent and no answer came, so that it may be stored already. It is not merged with others any more.
   */
  readonly isUncertain: boolean;
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
  if (last !== undefined && !last.isUncertain && last.bytes + next.bytes <= MAX_CHANGE_BYTES) {
    const change = mergeChanges(last.change, next.change);
    return [...queue.slice(0, -1), { ...next, change, bytes: last.bytes + next.bytes }];
  }
  return [...queue.map((write) => withoutFieldsOf(write, next)).filter(holdsAnything), next];
}

/** Drops the oldest lines over `maxLines` from the queue. A line in their place says how many were dropped. */
export function trimLines(
  queue: readonly PendingWrite[],
  maxLines: number,
): readonly PendingWrite[] {
  const lines = queue.reduce((sum, { change }) => sum + change.log.length, 0);
  let excess = lines - maxLines;
  if (excess <= 0) return queue;
  return queue.map((write) => {
    if (write.isUncertain || excess <= 0) return write;
    const { log } = write.change;
    const dropped = Math.min(log.length, excess);
    excess -= dropped;
    return { ...write, change: { ...write.change, log: afterDropping(log, dropped) } };
  });
}

const DROPPED_NOTE = /^(\d+) lines? dropped here: the store could not be reached\.$/;

function afterDropping(log: readonly NewLogLine[], count: number): readonly NewLogLine[] {
  const dropped = log.slice(0, count);
  const last = dropped.at(-1);
  if (last === undefined) return log;
  // A note that is itself dropped adds its number to the new one.
  const total = dropped.reduce(
    (sum, { text }) => sum + Number(DROPPED_NOTE.exec(text)?.[1] ?? 1),
    0,
  );
  const text = `${total} ${total === 1 ? "line" : "lines"} dropped here: the store could not be reached.`;
  return [{ at: last.at, level: "warn", text }, ...log.slice(count)];
}

function withoutFieldsOf(write: PendingWrite, next: PendingWrite): PendingWrite {
  if (write.isUncertain) return write;
  const kept = Object.entries(write.change.set).filter(
    ([field]) => !Object.hasOwn(next.change.set, field),
  );
  return { ...write, change: { ...write.change, set: Object.fromEntries(kept) } };
}

function holdsAnything({ isUncertain, change }: PendingWrite): boolean {
  return isUncertain || change.log.length > 0 || Object.keys(change.set).length > 0;
}
