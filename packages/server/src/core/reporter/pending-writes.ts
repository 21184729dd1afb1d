import {
  addToChange,
  type Change,
  type HoldWrite,
  MAX_CHANGE_BYTES,
  type OpenChange,
} from "@emlinh/progress-protocol";

/** Changes that wait to be stored, merged into one write. It is changed in place until it is sent. */
export interface PendingWrite {
  readonly change: OpenChange;
  /** At least the bytes that it takes as JSON. */
  bytes: number;
  /** The number of the last change in it. */
  upTo: number;
  /** Whether nothing follows it: it ends the job, or gives it back to the queue. */
  isLast: boolean;
  /**
   * The name under which it was sent without an answer. It may be stored already, so it keeps this name, and is not
   * merged with others any more.
   */
  readonly sentAs?: HoldWrite | undefined;
}

/** A write that is appended. The queue takes a copy, if it does not add the change to another one. */
type NextWrite = Omit<PendingWrite, "change"> & { readonly change: Change };

/**
 * Appends a write to the queue: added to the last one if both fit into one change. Else the fields that it sets are
 * removed from the writes before it, so that the queue is never larger than the state, however long the store is
 * unavailable.
 */
export function appendWrite(
  queue: readonly PendingWrite[],
  next: NextWrite,
): readonly PendingWrite[] {
  const last = queue.at(-1);
  if (last !== undefined && isUnsent(last) && last.bytes + next.bytes <= MAX_CHANGE_BYTES) {
    addToChange(last.change, next.change);
    last.bytes += next.bytes;
    last.upTo = next.upTo;
    last.isLast = next.isLast;
    return queue;
  }
  const others = queue.map((write) => withoutFieldsOf(write, next)).filter(holdsAnything);
  const { set, log, lostLines } = next.change;
  return [...others, { ...next, change: { set: { ...set }, log: [...log], lostLines } }];
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

function withoutFieldsOf(write: PendingWrite, next: NextWrite): PendingWrite {
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
