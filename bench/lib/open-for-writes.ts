import { randomUUID } from "node:crypto";
import type { Change, HoldWrite, ProgressStore } from "@emlinh/progress-server";

/** A change of a worker, without its hold. */
export type WorkerChange = Omit<Change, "hold">;

/** Makes the writes of a worker that holds one job, one at a time. */
export type JobWriter = (change: WorkerChange) => Promise<unknown>;

/** Opens a job by a write to the store, as a worker does. */
export async function openForWrites(store: ProgressStore, jobId: string): Promise<JobWriter> {
  const token = randomUUID();
  let count = 0;
  const nextHold = (): HoldWrite => {
    count += 1;
    return { token, count };
  };
  const seen = (await store.read(jobId))?.cursor ?? "";
  const opening = { ...nextHold(), opens: { seen, takeOver: false } };
  let turn: Promise<unknown> = store.write(jobId, { set: {}, log: [], hold: opening });
  await turn;
  return (change) => {
    const write = (): Promise<unknown> => store.write(jobId, { ...change, hold: nextHold() });
    turn = turn.then(write, write);
    return turn;
  };
}
