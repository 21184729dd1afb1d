import {
  type Change,
  type Created,
  type Delta,
  fateOf,
  fieldsOfFate,
  type JobDraft,
  type JobTtls,
  ProgressError,
  type ProgressStore,
  type SweepReport,
  type Unwatch,
  type Wake,
} from "@emlinh/progress-server";
import { loadJobs, saveJobs } from "./json-file.js";
import {
  cursorOf,
  deltaAfter,
  firstVersion,
  nextVersion,
  refuseLate,
  type StoredJob,
} from "./stored-job.js";

export interface JsonFileStoreOptions extends Partial<JobTtls> {
  /** Where the jobs are; the folder must be there. No other process may use the file. */
  readonly path: string;
  /** @defaultValue `200` */
  readonly maxLogLines?: number;
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: () => number;
}

/**
 * Keeps jobs in one JSON file, which is written anew with each change: for tens of jobs in one process, and to show what a store is.
 *
 * What `write` has resolved outlives the process, though not a power cut.
 */
export function jsonFileStore(options: JsonFileStoreOptions): ProgressStore {
  const { path, maxLogLines = 200, clock = Date.now } = options;
  const ttls: JobTtls = {
    ttlMs: options.ttlMs ?? 3_600_000,
    idleTtlMs: options.idleTtlMs ?? 86_400_000,
  };
  const watches = new Map<string, Set<{ readonly wake: Wake }>>();
  /** What is in the file; unread until the first verb. */
  let jobs: ReadonlyMap<string, StoredJob> | undefined;
  /** The end of the verbs that were called so far. */
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  /** Runs one verb after the other. That is what makes each of them atomic. */
  async function inTurn<Result>(
    verb: (jobs: ReadonlyMap<string, StoredJob>) => Promise<Result>,
  ): Promise<Result> {
    assertOpen();
    const result = turn.then(async () => {
      jobs ??= await loadJobs(path);
      return verb(jobs);
    });
    // The caller hears of a failure; the next verb has its turn all the same.
    turn = result.catch(() => {});
    return result;
  }

  function assertOpen(): void {
    if (closed) throw new ProgressError("closed", { message: "The store is closed." });
  }

  /** Stores first, remembers second, wakes third: so no reader is told what a crash would take back, and who is woken finds it. */
  async function commit(
    next: ReadonlyMap<string, StoredJob>,
    changed: readonly string[],
  ): Promise<void> {
    const before = jobs;
    await saveJobs(path, next.values());
    jobs = next;
    for (const id of changed) {
      // No version for a job that is new or gone: who had an earlier one of that id would take it for known.
      const version = before?.has(id) ? next.get(id)?.version : undefined;
      for (const { wake } of [...(watches.get(id) ?? [])]) callSafely(wake, version);
    }
  }

  async function replace(jobs: ReadonlyMap<string, StoredJob>, job: StoredJob): Promise<string> {
    await commit(new Map(jobs).set(job.id, job), [job.id]);
    return cursorOf(job);
  }

  return {
    maxLogLines,

    async create(given: JobDraft): Promise<Created> {
      const draft = copyOf(given);
      return inTurn(async (jobs) => {
        const known = [...jobs.values()].find(({ key }) => key !== undefined && key === draft.key);
        if (known !== undefined)
          return { jobId: known.id, cursor: cursorOf(known), created: false };
        if (jobs.has(draft.id)) {
          throw new ProgressError("invalid-change", {
            message: `There is a job "${draft.id}" already.`,
          });
        }
        const cursor = await replace(jobs, firstVersion(draft, clock()));
        return { jobId: draft.id, cursor, created: true };
      });
    },

    async write(jobId: string, given: Change): Promise<string> {
      const change = copyOf(given);
      return inTurn(async (jobs) => {
        const job = jobs.get(jobId);
        if (job === undefined) {
          throw new ProgressError("job-not-found", {
            message: `There is no job "${jobId}".`,
            status: 404,
          });
        }
        refuseLate(job, change);
        return replace(jobs, nextVersion(job, change, { now: clock(), maxLogLines }));
      });
    },

    async read(jobId: string, after?: string): Promise<Delta | undefined> {
      return inTurn(async (jobs) => {
        const job = jobs.get(jobId);
        return job && copyOf(deltaAfter(job, after));
      });
    },

    async watch(jobId: string, wake: Wake): Promise<Unwatch> {
      assertOpen();
      // An object for each watch: one function may watch twice, and each watch ends by itself.
      const watch = { wake };
      const all = watches.get(jobId) ?? new Set();
      watches.set(jobId, all.add(watch));
      return async () => {
        all.delete(watch);
        if (all.size === 0 && watches.get(jobId) === all) watches.delete(jobId);
      };
    },

    async sweep(at: number | undefined, limit: number): Promise<SweepReport> {
      return inTurn(async (jobs) => {
        const now = at ?? clock();
        const counts = { stale: 0, lost: 0, "timed-out": 0, expired: 0 };
        const due = [...jobs.values()].filter(
          ({ times }) => fateOf(times, ttls, now) !== undefined,
        );
        const next = new Map(jobs);
        const taken = due.slice(0, limit);
        for (const job of taken) {
          const fate = fateOf(job.times, ttls, now) ?? "expired";
          counts[fate] += 1;
          if (fate === "expired") next.delete(job.id);
          else
            next.set(
              job.id,
              nextVersion(job, { set: fieldsOfFate(fate, now), log: [] }, { now, maxLogLines }),
            );
        }
        if (taken.length > 0)
          await commit(
            next,
            taken.map(({ id }) => id),
          );
        const { stale, lost, expired } = counts;
        return { stale, lost, timedOut: counts["timed-out"], expired, more: due.length > limit };
      });
    },

    async close(): Promise<void> {
      closed = true;
      watches.clear();
      await turn;
    },
  };
}

/** A copy by way of JSON, as the file would give it back: what a caller does to its own object afterwards is nothing to the store, and the other way round. */
function copyOf<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}

function callSafely(wake: Wake, version: number | undefined): void {
  try {
    wake(version);
  } catch {
    // A wake must not throw. One that does has no say in a write that is stored already, and its reader looks again by itself.
  }
}
