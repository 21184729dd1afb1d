import type { ProgressStore } from "../../core/store.js";
import { sweepCounts } from "../../shared/lifecycle.js";
import type { RedisCalls, SweepReply } from "./calls.js";
import type { RedisLists } from "./lists/job-lists.js";
import { integerText } from "./lua/scripts.js";

/** Indexes that are searched at the same time. */
const INDEXES_AT_ONCE = 16;

/** Makes a sweep of one store; see `ProgressStore.sweep`. */
export type RedisSweep = ProgressStore["sweep"];

/**
 * The sweep of one store. The indexes only list candidates. The script of the job decides whether something is due,
 * and moves the job in its index in the same step. So two sweeps at once do nothing twice, and one that dies midway
 * loses nothing.
 */
export function redisSweep(
  calls: RedisCalls,
  lists: RedisLists,
  indexes: readonly string[],
): RedisSweep {
  /**
   * The index at which the next sweep starts. If each began at the first one, a full index would block the last ones.
   */
  let start = 0;

  return async (now, limit, onEnd) => {
    const at = now === undefined ? "" : integerText(now);
    const counts = sweepCounts(onEnd);
    const pass: SweepPass = {
      calls,
      at,
      left: () => limit - counts.total(),
      async sweep(jobId) {
        const job = await calls.sweep(jobId, at);
        counts.add(job.transition, jobId);
        await updateTraces(calls, lists, job);
      },
    };
    let more = false;
    for (let seen = 0; seen < indexes.length && !more; seen += INDEXES_AT_ONCE) {
      more = !(await sweepIndexes(pass, indexes.slice(start, start + INDEXES_AT_ONCE)));
      if (!more) start = (start + INDEXES_AT_ONCE) % indexes.length;
    }
    return counts.report(more);
  };
}

/** One sweep while it runs. */
interface SweepPass {
  readonly calls: RedisCalls;
  /** The time of the sweep as an argument of the scripts. */
  readonly at: string;
  /** Jobs that it may still change. */
  left(): number;
  sweep(jobId: string): Promise<void>;
}

/** Sweeps some indexes. Returns whether it got to all of their due jobs. */
async function sweepIndexes(pass: SweepPass, indexes: readonly string[]): Promise<boolean> {
  for (;;) {
    const page = pass.left();
    if (page <= 0) return (await findDue(pass, indexes, 1)).flat().length === 0;
    const found = await findDue(pass, indexes, page);
    const ids = found.flat();
    for (let from = 0; from < ids.length; ) {
      const batch = ids.slice(from, from + pass.left());
      if (batch.length === 0) return false;
      await Promise.all(batch.map(pass.sweep));
      from += batch.length;
    }
    if (found.every(({ length }) => length < page)) return true;
  }
}

function findDue(
  { calls, at }: SweepPass,
  indexes: readonly string[],
  limit: number,
): Promise<readonly (readonly string[])[]> {
  return Promise.all(indexes.map((index) => calls.findDue(index, at, limit)));
}

/**
 * Keeps or releases what the job has in other slots. If this is lost, a pointer outlives its job, which `create`
 * notices, or expires too early. The same holds for an entry in a list, and reads notice it; one that expired too early
 * is added again by the next sweep of the job.
 */
async function updateTraces(calls: RedisCalls, lists: RedisLists, job: SweepReply): Promise<void> {
  const { jobId, key, keepMs, keepPlacesMs } = job;
  await (keepPlacesMs > 0 ? lists.keep(job, keepPlacesMs) : lists.remove(job));
  if (keepMs > 0) await calls.claimKey(key, jobId, { replaced: jobId, keepMs });
  else if (key !== "") await calls.releaseKey(key, jobId);
}
