import type { JobStatusReport, Progress } from "@emlinh/progress-server";
import type { Queue } from "bullmq";
import { unlessOver } from "./unless-over.js";

/** Options of {@link createPositions}. */
export interface PositionsOptions {
  readonly progress: Progress;
  readonly queue: Queue;
  /** The message of a job that waits at a position: 1 is next. */
  readonly text: (state: JobStatusReport, position: number) => string;
}

/** Writes the positions in the queue to the waiting jobs. */
export interface Positions {
  /**
   * Updates the position of every waiting job. Call it whenever the queue has changed.
   *
   * @returns the ids of the waiting jobs, the next one first.
   */
  update(): Promise<readonly string[]>;
}

/**
 * Any process may update the positions at any time. Each one reads the queue again after its updates, so the last
 * update always matches the present queue.
 */
export function createPositions({ progress, queue, text }: PositionsOptions): Positions {
  let running: Promise<readonly string[]> | undefined;
  let next: Promise<readonly string[]> | undefined;

  async function updateAll(): Promise<readonly string[]> {
    let updated: readonly string[] = [];
    for (;;) {
      const waiting = await queue.getRanges(["wait"], 0, -1, true);
      const left = updated.filter((id) => !waiting.includes(id));
      if (left.length === 0 && isSame(updated, waiting)) return waiting;
      for (const [index, id] of waiting.entries()) await setPosition(id, index + 1);
      for (const id of left) await clearPosition(id);
      updated = waiting;
    }
  }

  async function setPosition(jobId: string, position: number): Promise<void> {
    const state = await progress.status(jobId);
    if (state?.status !== "queued" || state.metadata.queuePosition === position) return;
    const message = text(state, position);
    await unlessOver(progress.update(jobId, { message, metadata: { queuePosition: position } }));
  }

  /** Takes a position back that was written while a worker began the job. */
  async function clearPosition(jobId: string): Promise<void> {
    const state = await progress.status(jobId);
    if (state?.status !== "running" || !state.metadata.queuePosition) return;
    await unlessOver(progress.update(jobId, { message: null, metadata: { queuePosition: 0 } }));
  }

  async function run(): Promise<readonly string[]> {
    try {
      return await updateAll();
    } finally {
      running = undefined;
    }
  }

  return {
    update() {
      if (running === undefined) {
        running = run();
        return running;
      }
      // The current run may have read the queue before this call. All calls during it share the run after it.
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
