import {
  apply,
  type Delta,
  type JobState,
  type JobTypes,
  type LogLine,
  parseCursor,
  type Snapshot,
  stateOf,
} from "@emlinh/progress-protocol";

/** A reader's copy of a job, and the figures that are smoothed over time. */
export interface Copy<Job extends JobTypes> {
  readonly snapshot: Snapshot;
  readonly job: JobState<Job>;
  /** When the job will be finished as far as we can tell, by the server's clock; `null` while that is guesswork. */
  readonly finishAt: number | null;
}

/** What one delta brought. */
export interface News<Job extends JobTypes> extends Copy<Job> {
  /** The lines that are new, oldest first. */
  readonly lines: readonly LogLine[];
  /** The ids of the steps that changed. */
  readonly steps: readonly Job["step"][];
  /** Whether this is another incarnation of the job than the one before. */
  readonly reset: boolean;
}

/** How fast the ETA follows: in this time it takes two thirds of a step. */
const ETA_SMOOTHING_MS = 5000;

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
): News<Job> | Copy<Job> | undefined {
  const epoch = parseCursor(delta.cursor)?.epoch;
  const same = epoch === parseCursor(copy?.snapshot.cursor)?.epoch;
  if (epoch === undefined || !(same || delta.reset)) return undefined;
  const snapshot = apply(copy?.snapshot, delta, maxLogLines);
  if (snapshot === undefined || snapshot === copy?.snapshot) return copy;
  const before = same ? copy : undefined;
  const raw = stateOf<Job>(jobId, snapshot.set, now);
  const [job, finishAt] = smooth(raw, before, now);
  const seen = before?.snapshot.log.at(-1)?.n ?? 0;
  return {
    snapshot,
    job,
    finishAt,
    lines: snapshot.log.filter((line) => line.n > seen),
    steps: (Object.keys(job.steps) as Job["step"][]).filter(
      (id) => JSON.stringify(job.steps[id]) !== JSON.stringify(before?.job.steps[id]),
    ),
    reset: copy !== undefined && !same,
  };
}

/** Within one attempt the percent shown never falls, whatever the writer does (P13), and the ETA doesn't jump. */
function smooth<Job extends JobTypes>(
  job: JobState<Job>,
  before: Copy<Job> | undefined,
  now: number,
): [JobState<Job>, number | null] {
  const last = before?.job.attempt === job.attempt ? before : undefined;
  const shown = last?.job.percent ?? null;
  const percent = shown === null ? job.percent : Math.max(shown, job.percent ?? 0);
  let finishAt = job.etaMs === null || job.stale ? null : now + job.etaMs;
  if (finishAt !== null && last?.finishAt) {
    const weight = 1 - Math.exp((last.job.updatedAt - job.updatedAt) / ETA_SMOOTHING_MS);
    finishAt = last.finishAt + (finishAt - last.finishAt) * weight;
  }
  const etaMs = finishAt === null ? null : Math.max(0, Math.round(finishAt - now));
  return [{ ...job, percent, etaMs }, finishAt];
}
