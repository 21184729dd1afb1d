import type { SweepReport } from "../../core/store.js";
import { fieldsOfTransition, sweepCounts, type Transition } from "../../shared/lifecycle.js";
import { type RunScript, textOf } from "./client.js";
import type { RedisKeys } from "./keys.js";
import { type RedisScripts, whole } from "./scripts.js";

/** What a sweep works with. */
export interface SweepTools {
  readonly run: RunScript;
  readonly scripts: RedisScripts;
  readonly keys: RedisKeys;
  readonly tombstoneTtlMs: number;
}

/** Indexes that are looked at together. */
const AT_ONCE = 16;

/** What a script needs to end a job, or to mark it: counts, then names and JSON. It puts its own time in for `finishedAt`. */
const FATE_ARGUMENTS: readonly string[] = fateArguments();

function fateArguments(): readonly string[] {
  const fates = (["stale", "lost", "timed-out"] as const).map((fate) =>
    Object.entries(fieldsOfTransition(fate, 0)).flatMap(([name, value]) => [
      name,
      JSON.stringify(value),
    ]),
  );
  return [...fates.map(({ length }) => String(length)), ...fates.flat()];
}

/**
 * Makes the sweep of one store. The index is only where to look: whether something is due is decided by the job's own script, which also moves the job in
 * the index, in one step. So two sweeps at once do nothing twice, and one that dies midway has lost nothing.
 */
export function redisSweep(
  tools: SweepTools,
): (now: number | undefined, limit: number) => Promise<SweepReport> {
  const { run, scripts, keys } = tools;
  /** Where the last sweep stopped: were each to begin at the first index, a full one would keep the last ones waiting. */
  let first = 0;

  async function dueIn(due: string, now: string, limit: number): Promise<readonly string[]> {
    const ids = await run(scripts.due, [due], [now, whole(limit)]);
    return (ids as readonly unknown[]).map(textOf);
  }

  async function settle(jobId: string, now: string): Promise<Transition | undefined> {
    const { job, log, due, channel } = keys.of(jobId);
    const args = [channel, now, whole(tools.tombstoneTtlMs), ...FATE_ARGUMENTS];
    const reply = (await run(scripts.settle, [job, log, due], args)) as readonly unknown[];
    const [fate, key] = [textOf(reply[0]), textOf(reply[1])];
    if (key !== "") await followWithKey(jobId, key, Number(reply[2]));
    return fate === "none" ? undefined : (fate as Transition);
  }

  /** A key of `create` lives elsewhere in a Cluster. Were this left undone, a key would outlive its job, which `create` sees, or be forgotten early. */
  async function followWithKey(jobId: string, key: string, keepMs: number): Promise<void> {
    const pointer = [keys.pointer(key)];
    if (keepMs > 0) await run(scripts.claim, pointer, [jobId, jobId, whole(keepMs)]);
    else await run(scripts.release, pointer, [jobId]);
  }

  return async (now, limit) => {
    const at = now === undefined ? "" : whole(now);
    const counts = sweepCounts();
    const left = (): number => limit - counts.total();

    /** Whether there was time for all that is due in some indexes. */
    async function sweepIn(dues: readonly string[]): Promise<boolean> {
      for (;;) {
        const page = left();
        if (page <= 0) return !(await isAnyDue(dues, at));
        const found = await Promise.all(dues.map((due) => dueIn(due, at, page)));
        const ids = found.flat();
        for (let from = 0; from < ids.length; ) {
          const batch = ids.slice(from, from + left());
          if (batch.length === 0) return false;
          for (const fate of await Promise.all(batch.map((id) => settle(id, at)))) counts.add(fate);
          from += batch.length;
        }
        if (found.every(({ length }) => length < page)) return true;
      }
    }

    let more = false;
    const { dues } = keys;
    for (let done = 0; done < dues.length && !more; done += AT_ONCE) {
      const some = dues.slice(first, first + AT_ONCE);
      more = left() <= 0 ? await isAnyDue(dues, at) : !(await sweepIn(some));
      if (!more) first = (first + AT_ONCE) % dues.length;
    }
    return counts.report(more);
  };

  async function isAnyDue(dues: readonly string[], at: string): Promise<boolean> {
    const found = await Promise.all(dues.map((due) => dueIn(due, at, 1)));
    return found.some(({ length }) => length > 0);
  }
}
