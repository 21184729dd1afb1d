import {
  type Change,
  MAX_CHANGE_BYTES,
  mergeChanges,
  type NewLogLine,
} from "@emlinh/progress-protocol";

/** Changes on their way to the store, merged into one write. */
export interface Parcel {
  readonly change: Pick<Change, "set" | "log">;
  /** At least what it holds as JSON. */
  readonly bytes: number;
  /** The number of the last change in it. */
  readonly upTo: number;
  /** Whether it holds the end of the job. */
  readonly final: boolean;
  /** Whether it was sent, and nobody knows whether it was written. It isn't merged with another any more. */
  readonly doubtful: boolean;
}

/**
 * The queue with one more parcel: merged into the last one if both fit into one write. Fields that it sets are taken out of those before it, so that
 * the queue's size is that of the state, however long the store is away.
 */
export function pack(queue: readonly Parcel[], next: Parcel): readonly Parcel[] {
  const last = queue.at(-1);
  if (last !== undefined && !last.doubtful && last.bytes + next.bytes <= MAX_CHANGE_BYTES) {
    const change = mergeChanges(last.change, next.change);
    return [...queue.slice(0, -1), { ...next, change, bytes: last.bytes + next.bytes }];
  }
  return [...queue.map((parcel) => without(parcel, next)).filter(holdsAnything), next];
}

/** The queue with no more than the newest `maxLines` lines; those that are dropped leave a line that says so. */
export function trimLines(queue: readonly Parcel[], maxLines: number): readonly Parcel[] {
  const lines = queue.reduce((sum, { change }) => sum + change.log.length, 0);
  let excess = lines - maxLines;
  if (excess <= 0) return queue;
  return queue.map((parcel) => {
    if (parcel.doubtful || excess <= 0) return parcel;
    const { log } = parcel.change;
    const dropped = Math.min(log.length, excess);
    excess -= dropped;
    return { ...parcel, change: { ...parcel.change, log: afterDropping(log, dropped) } };
  });
}

const NOTE = /^(\d+) lines? dropped here: the store could not be reached\.$/;

function afterDropping(log: readonly NewLogLine[], count: number): readonly NewLogLine[] {
  const dropped = log.slice(0, count);
  const last = dropped.at(-1);
  if (last === undefined) return log;
  // A note that is itself dropped hands its number on.
  const lost = dropped.reduce((sum, { text }) => sum + Number(NOTE.exec(text)?.[1] ?? 1), 0);
  const text = `${lost} ${lost === 1 ? "line" : "lines"} dropped here: the store could not be reached.`;
  return [{ at: last.at, level: "warn", text }, ...log.slice(count)];
}

function without(parcel: Parcel, next: Parcel): Parcel {
  if (parcel.doubtful) return parcel;
  const kept = Object.entries(parcel.change.set).filter(
    ([field]) => !Object.hasOwn(next.change.set, field),
  );
  return { ...parcel, change: { ...parcel.change, set: Object.fromEntries(kept) } };
}

function holdsAnything({ doubtful, change }: Parcel): boolean {
  return doubtful || change.log.length > 0 || Object.keys(change.set).length > 0;
}
