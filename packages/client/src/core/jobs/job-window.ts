import type { Listed } from "@emlinh/progress-protocol";

/** The part of a list that is shown: ids, the newest job first. */
export interface JobWindow {
  /** The newest jobs, which the server keeps up to date. */
  readonly live: readonly string[];
  /** The jobs that follow them without a gap: loaded pages, and jobs that newer ones pushed out of the live part. */
  readonly older: readonly string[];
  /** The `before` of the request for the jobs that follow; `null` if there are none. */
  readonly next: string | null;
}

export const NO_JOBS: JobWindow = { live: [], older: [], next: null };

/**
 * Replaces the live part.
 *
 * @param keepsOlder - Whether jobs stay that newer ones push out of it, because older ones are shown, or are being
 * loaded.
 */
export function withListed(
  { live, older, next }: JobWindow,
  listed: Listed,
  keepsOlder: boolean,
): JobWindow {
  const ids = new Set(listed.jobs);
  const lastStaying = live.reduce((last, id, index) => (ids.has(id) ? index : last), -1);
  // Without a job that stays, there may be a gap. Without `next` the list has no other jobs.
  const isContiguous = lastStaying >= 0 && listed.next !== null;
  if (!keepsOlder || !isContiguous) return { live: listed.jobs, older: [], next: listed.next };
  // A job that left before one that stays was removed. Those at the end were pushed out.
  const following = [...live.slice(lastStaying + 1), ...older];
  return { live: listed.jobs, older: following.filter((id) => !ids.has(id)), next };
}

/** Adds the jobs that follow. */
export function withPage({ live, older }: JobWindow, { jobs, next }: Listed): JobWindow {
  const ids = new Set([...live, ...older]);
  return { live, older: [...older, ...jobs.filter((id) => !ids.has(id))], next };
}

/** Removes jobs. */
export function without({ live, older, next }: JobWindow, gone: ReadonlySet<string>): JobWindow {
  const stays = (id: string): boolean => !gone.has(id);
  return { live: live.filter(stays), older: older.filter(stays), next };
}
