import {
  type CursorParts,
  type Delta,
  type JobState,
  type JobTypes,
  merge,
  parseCursor,
  type StepState,
  stateOf,
} from "@emlinh/progress-protocol";

/** What is told to listeners: the name of an event of `WatchEvents`, and the event. */
export type News = readonly [name: "reset" | "log" | "step" | "progress", event: unknown];

/** A reader's copy of a job: the merge of the deltas that it was given, and the figures that are smoothed over time. */
export interface Copy<Job extends JobTypes> extends Delta {
  readonly at: CursorParts;
  readonly job: JobState<Job>;
  /** When the job will be finished as far as we can tell, by the server's clock; 0 while that is guesswork. */
  readonly finishAt: number;
  /** What the last delta brought, in the order in which it is told. */
  readonly news: readonly News[];
}

/**
 * Brings a copy forward by one delta.
 *
 * @param now - The server's time.
 * @returns The copy itself if the delta is old news (P21); `undefined` if it can't be placed, and the whole state is needed.
 */
export function follow<Job extends JobTypes>(
  jobId: string,
  copy: Copy<Job> | undefined,
  delta: Delta,
  { now, maxLogLines }: { readonly now: number; readonly maxLogLines: number },
): Copy<Job> | undefined {
  const at = parseCursor(delta.cursor);
  // A copy of another incarnation of the job is no measure.
  const before = at?.epoch === copy?.at.epoch ? copy : undefined;
  if (!at || !(before || delta.reset)) return undefined;
  if (before && !delta.reset && at.version <= before.at.version) return copy;
  const merged = merge(copy ?? delta, delta, maxLogLines);
  const [job, finishAt] = smooth(stateOf<Job>(jobId, merged.set, now), before, now);
  const seen = before?.log.at(-1)?.n ?? 0;
  const news: News[] = copy && !before ? [["reset", job]] : [];
  for (const line of merged.log) if (line.n > seen) news.push(["log", line]);
  for (const [id, step] of Object.entries<StepState | undefined>(job.steps)) {
    const last = before?.job.steps[id as Job["step"]];
    if (JSON.stringify(step) !== JSON.stringify(last)) news.push(["step", { ...step, id }]);
  }
  news.push(["progress", job]);
  return { ...merged, at, job, finishAt, news };
}

/** Within one attempt the percent shown never falls, whatever the writer does (P13), and the ETA doesn't jump. */
function smooth<Job extends JobTypes>(
  job: JobState<Job>,
  before: Copy<Job> | undefined,
  now: number,
): [JobState<Job>, number] {
  const last = before?.job.attempt === job.attempt ? before : undefined;
  const shown = Number(last?.job.percent);
  const percent = shown > Number(job.percent) ? shown : job.percent;
  let finishAt = job.etaMs === null || job.stale ? 0 : now + job.etaMs;
  if (finishAt && last?.finishAt) {
    // In this time the estimate takes two thirds of a step.
    const ETA_SMOOTHING_MS = 5000;
    const weight = 1 - Math.exp((last.job.updatedAt - job.updatedAt) / ETA_SMOOTHING_MS);
    finishAt = last.finishAt + (finishAt - last.finishAt) * weight;
  }
  const etaMs = finishAt ? Math.max(0, Math.round(finishAt - now)) : null;
  return [{ ...job, percent, etaMs }, finishAt];
}
