import {
  applyDelta,
  type Change,
  type Delta,
  deltaAfter,
  deltaOfChange,
  emptyReplica,
  printCursor,
  type Replica,
} from "@emlinh/progress-protocol";

/** Few, so that short histories drop lines. */
export const MAX_LOG_LINES = 3;

/** Writes a change to a job that is kept in memory, as a store does. */
export function write(
  job: Replica,
  change: Pick<Change, "set" | "log" | "lostLines">,
  maxLogLines: number = MAX_LOG_LINES,
): void {
  const delta = deltaOfChange(job, change);
  if (delta !== undefined) applyDelta(job, delta, maxLogLines);
}

/** A job after all changes of a history, in the epoch `e`. */
export function storedJob(changes: readonly Change[]): Replica {
  const job = emptyReplica("e");
  for (const change of changes) write(job, change);
  return job;
}

/** The cursor of a version in the epoch `e`. */
export function cursorAt(version: number): string {
  return printCursor({ epoch: "e", version });
}

/**
 * Every delta that readers of a job can get: `deltas[version][after]` is the one that a reader at `after` gets while
 * the job is at `version`.
 */
export function allDeltas(changes: readonly Change[]): readonly (readonly Delta[])[] {
  const job = emptyReplica("e");
  const deltas: Delta[][] = [[]];
  for (const change of changes) {
    write(job, change);
    deltas[job.version] = Array.from({ length: job.version + 1 }, (_, after) =>
      deltaAfter(job, cursorAt(after)),
    );
  }
  return deltas;
}
