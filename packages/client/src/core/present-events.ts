import { isTerminal, type JobState, type JobTypes } from "@emlinh/progress-protocol";
import type { StepChange, WatchEvents, WatchSnapshot } from "./job-watch.js";

/** The events that tell a new listener the present state, by name. */
export type PresentEvents<Job extends JobTypes> = {
  readonly [Name in keyof WatchEvents<Job>]: readonly WatchEvents<Job>[Name][];
};

/** The events that a snapshot stands for. */
export function presentEvents<Job extends JobTypes>({
  job,
  log,
  connection,
}: WatchSnapshot<Job>): PresentEvents<Job> {
  return {
    progress: job ? [job] : [],
    step: job ? stepsOf(job) : [],
    log,
    connection: [connection],
    end: job && isTerminal(job.status) ? [job] : [],
    reset: [],
  };
}

/** The steps that have begun. */
export function stepsOf<Job extends JobTypes>({ steps }: JobState<Job>): StepChange<Job>[] {
  const ids = Object.keys(steps) as Job["step"][];
  return ids.flatMap((id) => {
    const step = steps[id];
    return step ? [{ ...step, id }] : [];
  });
}
