import {
  isProgressError,
  isTerminal,
  type JobStatusReport,
  type Progress,
  type ProgressStore,
} from "@emlinh/progress-server";
import type { Queue } from "bullmq";

/** What {@link createPositions} takes. */
export interface PositionsOptions {
  readonly progress: Progress;
  readonly store: ProgressStore;
  readonly queue: Queue;
  /** What is said to who waits at a position: 1 is next. */
  readonly text: (state: JobStatusReport, position: number) => string;
}

/** The places in the queue, told to those who wait. */
export interface Positions {
  /** Something moved: tells all who wait where they are now. Resolves with their ids, the next one first, when that is told. */
  tell(): Promise<readonly string[]>;
}

/**
 * Any process may tell, at any time: each looks again after it has told, so that the last word is always from the present queue.
 */
export function createPositions(options: PositionsOptions): Positions {
  const { progress, store, queue, text } = options;
  let running: Promise<readonly string[]> | undefined;
  let next: Promise<readonly string[]> | undefined;

  async function tellAll(): Promise<readonly string[]> {
    let told: readonly string[] = [];
    for (;;) {
      const waiting = await queue.getRanges(["wait"], 0, -1, true);
      const left = told.filter((id) => !waiting.includes(id));
      if (left.length === 0 && isSame(told, waiting)) return waiting;
      for (const [index, id] of waiting.entries()) await tellWaiting(id, index + 1);
      for (const id of left) await takeBack(id);
      told = waiting;
    }
  }

  async function tellWaiting(jobId: string, position: number): Promise<void> {
    const state = await progress.status(jobId);
    if (state?.status !== "queued" || state.metadata.queuePosition === position) return;
    await set(state, position, text(state, position));
  }

  /** A worker began the job while it was told that it waits. */
  async function takeBack(jobId: string): Promise<void> {
    const state = await progress.status(jobId);
    if (state === undefined || isTerminal(state.status)) return;
    if (state.status !== "running" || !state.metadata.queuePosition) return;
    await set(state, 0, null);
  }

  /** Nobody works on a waiting job, so that there is neither a reporter nor a lease. */
  async function set(
    { id, attempt }: JobStatusReport,
    position: number,
    message: string | null,
  ): Promise<void> {
    const fields = { "metadata.queuePosition": position, message };
    try {
      await store.write(id, { set: fields, log: [], attempt });
    } catch (error) {
      const isLate =
        isProgressError(error, "job-finished") || isProgressError(error, "attempt-superseded");
      if (!isLate) throw error;
    }
  }

  async function run(): Promise<readonly string[]> {
    try {
      return await tellAll();
    } finally {
      running = undefined;
    }
  }

  return {
    tell() {
      // One that runs may have looked already; all who come meanwhile share the one after it.
      if (running === undefined) {
        running = run();
        return running;
      }
      const after = (): Promise<readonly string[]> => {
        next = undefined;
        running = run();
        return running;
      };
      next ??= running.then(after, after);
      return next;
    },
  };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id, index) => id === other[index]);
}
