import type { JobFacts, StepState } from "./state.js";

/** The members of a job that tell when its steps ran. */
export type TimedJob = Pick<JobFacts, "plan" | "steps" | "startedAt">;

/** The shared times of a job's steps, in milliseconds (P71). */
export interface SharedTimes {
  /** By the id of each step of the plan that has begun. */
  readonly bySteps: ReadonlyMap<string, number>;
  /** For how long no step has been running. It counts for the step that begins next. */
  readonly idleMs: number;
}

/** The state of a step, if it has begun. An id may be the name of an inherited property, which is no state. */
export function begunState({ steps }: Pick<JobFacts, "steps">, id: string): StepState | undefined {
  const state: StepState | undefined = steps[id];
  return state?.status === undefined ? undefined : state;
}

/**
 * The time that each step of the plan took: while several run at once, each gets an equal share, and while none runs,
 * the time counts for the step that begins next. So the times of all steps add up to the time that has passed, and what
 * is left of each step adds up to what is left of the job, whichever steps run side by side.
 *
 * @param until - Steps that are running are counted until then: milliseconds since the epoch.
 * @see docs/PROTOCOL.md, P71
 */
export function sharedTimes(job: TimedJob, until: number): SharedTimes {
  const bySteps = new Map<string, number>();
  let at = job.startedAt ?? until;
  /** Shared time since the job's beginning, and as it was when the last of the running steps ended. */
  let [shared, idleSince] = [0, 0];
  let running = 0;
  for (const { id, time, begins } of marksOf(job, at, until)) {
    shared += (time - at) / Math.max(1, running);
    at = time;
    if (begins) {
      bySteps.set(id, running === 0 ? -idleSince : -shared);
      running += 1;
    } else {
      bySteps.set(id, shared + (bySteps.get(id) ?? 0));
      running -= 1;
      if (running === 0) idleSince = shared;
    }
  }
  return { bySteps, idleMs: Math.max(0, until - at) };
}

/** The beginning or the end of a step. */
interface Mark {
  readonly id: string;
  readonly time: number;
  readonly begins: boolean;
}

/** In order. The beginnings come first among equal times, so that no step ends before it began. */
function marksOf(job: TimedJob, from: number, until: number): readonly Mark[] {
  const marks: Mark[] = [];
  for (const { id } of job.plan) {
    const step = begunState(job, id);
    if (step?.startedAt === undefined) continue;
    const begunAt = Math.min(until, Math.max(from, step.startedAt));
    const endedAt = step.status === "running" ? until : (step.finishedAt ?? begunAt);
    const time = Math.min(until, Math.max(begunAt, endedAt));
    marks.push({ id, time: begunAt, begins: true }, { id, time, begins: false });
  }
  return marks.sort((a, b) => a.time - b.time || Number(b.begins) - Number(a.begins));
}
