import {
  type Fields,
  isProgressError,
  type JobState,
  type JobTypes,
  type Json,
  type ProgressStore,
  type StepState,
} from "@emlinh/progress-server";

/**
 * Says of a job that it waits for another worker: it is `queued` again, and nobody holds a lease of it, so that it is not taken for lost. Its attempt
 * goes on counting only when the next worker opens it; until then the bar stands where it stood (P13).
 *
 * Does nothing if the job has ended, or another worker has begun a later attempt.
 *
 * @param state - As it was in the attempt that is over.
 * @param text - Why it waits again: its message, and a line of its log.
 */
export async function giveBack<Job extends JobTypes>(
  store: ProgressStore,
  state: JobState<Job>,
  text: string,
): Promise<void> {
  const now = Date.now();
  const set = { status: "queued", message: text, stale: false, ...stoppedSteps(state, now) };
  const log = [{ at: now, level: "warn", text }] as const;
  try {
    await store.write(state.id, { set, log, attempt: state.attempt, leaseMs: 0 });
  } catch (error) {
    const isOver =
      isProgressError(error, "job-finished") || isProgressError(error, "attempt-superseded");
    if (!isOver) throw error;
  }
}

/** Nobody works on them any more: in the list they must not spin while the job waits. */
function stoppedSteps<Job extends JobTypes>({ steps }: JobState<Job>, finishedAt: number): Fields {
  const running = Object.entries<StepState | undefined>(steps).filter(
    ([, step]) => step?.status === "running",
  );
  return Object.fromEntries(
    running.map(([id, step]) => [
      `steps.${id}`,
      { ...step, status: "failed", finishedAt } as unknown as Json,
    ]),
  );
}
