import {
  type Change,
  checkWrite,
  fieldsOfTransition,
  type JobDraft,
  type JobTtls,
  type OnSweptEnd,
  ProgressError,
  type ProgressStore,
  type SweepReport,
  type SweptEnd,
  timesOfTransition,
  transitionOf,
} from "@emlinh/progress-server";
import { type JobFile, type Jobs, openJobFile } from "./job-file.js";
import { openLearnedFile } from "./learned-file.js";
import { pageOf } from "./list-page.js";
import {
  cursorOf,
  deltaAfter,
  firstVersion,
  nextVersion,
  type StoredJob,
  writeStateOf,
} from "./stored-job.js";
import { createWatches } from "./watches.js";

export interface JsonFileStoreOptions extends Partial<JobTtls> {
  /**
   * The file. Its folder must exist, and gets a second file with `.learned` at the end of its name. No other process
   * may use the files.
   */
  readonly path: string;
  /** @defaultValue `200` */
  readonly maxLogLines?: number;
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: () => number;
}

/**
 * Keeps jobs in one JSON file, which is written again at each change: for tens of jobs in one process, and as an
 * example of a store.
 *
 * A write that was acknowledged outlives the process, but perhaps not a power failure.
 */
export function jsonFileStore(options: JsonFileStoreOptions): ProgressStore {
  const settings = resolveOptions(options);
  const { maxLogLines, clock } = settings;
  const watches = createWatches();
  const file = openJobFile(options.path, watches.wake);
  const learnedFile = openLearnedFile(`${options.path}.learned`);
  let closed = false;

  function assertOpen(): void {
    if (closed) throw new ProgressError("closed", { message: "The store is closed." });
  }

  return {
    maxLogLines,

    async create(given) {
      assertOpen();
      const draft = copyOf(given);
      return file.inTurn((jobs) => createJob(file, jobs, { draft, now: clock() }));
    },

    async write(jobId, given) {
      assertOpen();
      const change = copyOf(given);
      return file.inTurn(async (jobs) => {
        const job = findJob(jobs, jobId);
        const now = clock();
        if (checkWrite(writeStateOf(job, now), change) === "repeated")
          return { cursor: cursorOf(job), now };
        const cursor = await replace(file, jobs, nextVersion(job, change, { now, maxLogLines }));
        return { cursor, now };
      });
    },

    async read(jobId, after) {
      assertOpen();
      return file.inTurn(async (jobs) => {
        const job = jobs.get(jobId);
        return job && { ...copyOf(deltaAfter(job, after)), now: clock() };
      });
    },

    async list(subject, page) {
      assertOpen();
      return file.inTurn(async (jobs) => pageOf(jobs, subject, page));
    },

    async watch(target, wake) {
      assertOpen();
      return watches.add(target, wake);
    },

    async remove(jobId) {
      assertOpen();
      return file.inTurn((jobs) => removeJob(file, jobs, jobId));
    },

    async learn(kind, durations) {
      assertOpen();
      return learnedFile.learn(kind, copyOf(durations));
    },

    async expectations(kind) {
      assertOpen();
      return copyOf(await learnedFile.expectations(kind));
    },

    async sweep(now, limit, onEnd) {
      assertOpen();
      const sweep = { settings, now: now ?? clock(), limit, onEnd };
      return file.inTurn((jobs) => sweepJobs(file, jobs, sweep));
    },

    async close() {
      closed = true;
      watches.clear();
      await Promise.all([file.idle(), learnedFile.idle()]);
    },
  };
}

interface Settings extends JobTtls {
  readonly maxLogLines: number;
  readonly clock: () => number;
}

function resolveOptions(options: JsonFileStoreOptions): Settings {
  return {
    maxLogLines: options.maxLogLines ?? 200,
    ttlMs: options.ttlMs ?? 3_600_000,
    idleTtlMs: options.idleTtlMs ?? 86_400_000,
    clock: options.clock ?? Date.now,
  };
}

async function createJob(
  file: JobFile,
  jobs: Jobs,
  { draft, now }: { readonly draft: JobDraft; readonly now: number },
) {
  const known = [...jobs.values()].find(({ key }) => key !== undefined && key === draft.key);
  if (known !== undefined) return { jobId: known.id, cursor: cursorOf(known), created: false };
  if (jobs.has(draft.id)) {
    throw new ProgressError("invalid-change", {
      message: `The job id "${draft.id}" is already in use.`,
    });
  }
  const newest = [...jobs.values()].at(-1);
  const number = (newest?.number ?? 0) + 1;
  const cursor = await replace(file, jobs, firstVersion(draft, { number, now }));
  return { jobId: draft.id, cursor, created: true };
}

function findJob(jobs: Jobs, jobId: string): StoredJob {
  const job = jobs.get(jobId);
  if (job !== undefined) return job;
  throw new ProgressError("job-not-found", {
    message: `There is no job "${jobId}".`,
    status: 404,
  });
}

async function replace(file: JobFile, jobs: Jobs, job: StoredJob): Promise<string> {
  await file.commit(new Map(jobs).set(job.id, job), [job.id]);
  return cursorOf(job);
}

async function removeJob(file: JobFile, jobs: Jobs, jobId: string): Promise<boolean> {
  const next = new Map(jobs);
  const isKnown = next.delete(jobId);
  if (isKnown) await file.commit(next, [jobId]);
  return isKnown;
}

interface Sweep {
  readonly settings: Settings;
  readonly now: number;
  readonly limit: number;
  readonly onEnd: OnSweptEnd | undefined;
}

async function sweepJobs(
  file: JobFile,
  jobs: Jobs,
  { settings, now, limit, onEnd }: Sweep,
): Promise<SweepReport> {
  const counts = { stale: 0, lost: 0, "timed-out": 0, expired: 0 };
  const next = new Map(jobs);
  const changed: string[] = [];
  const ended: SweptEnd[] = [];
  let more = false;
  for (const job of jobs.values()) {
    const transition = transitionOf(job.times, settings, now);
    if (transition === undefined) continue;
    if (changed.length === limit) {
      more = true;
      break;
    }
    counts[transition] += 1;
    changed.push(job.id);
    if (transition === "expired") next.delete(job.id);
    else {
      const change: Change = { set: fieldsOfTransition(transition, now), log: [] };
      const { maxLogLines } = settings;
      const version = nextVersion(job, change, { now, maxLogLines });
      const times = { ...version.times, ...timesOfTransition(transition, now) };
      next.set(job.id, { ...version, times });
      if (transition !== "stale") ended.push({ jobId: job.id, status: transition });
    }
  }
  if (changed.length > 0) await file.commit(next, changed);
  for (const end of ended) onEnd?.(end);
  const { stale, lost, expired } = counts;
  return { stale, lost, timedOut: counts["timed-out"], expired, more };
}

/**
 * A copy made through JSON, as the file would return it. The caller may change its object afterwards without changing
 * the store, and a reader may change its delta.
 */
function copyOf<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}
