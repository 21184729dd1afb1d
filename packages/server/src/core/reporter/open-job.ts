import {
  type AnyJob,
  type Cursor,
  type Fields,
  type HoldWrite,
  isProgressError,
  type JobDefinition,
  type JobTypes,
  parseCursor,
} from "@emlinh/progress-protocol";
import { closedError, jobFinished } from "../../shared/errors.js";
import { checksFor } from "../../shared/option-checks.js";
import { type CreatedJob, checkDefinition, checkedJob } from "../draft.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Learner } from "../learner.js";
import { clearedSteps, openingFields } from "../opening.js";
import { resolveLeaseMs, type Settings } from "../options.js";
import { createReporter, type OpenReporter } from "./create-reporter.js";
import { createHold } from "./hold.js";
import { createJobWatcher } from "./job-watcher.js";
import type { OpenedJob } from "./worker-state.js";

/** How a job is opened. */
export interface OpenOptions<Job extends JobTypes = AnyJob> {
  /** Aborting it cancels the work, like a cancel from outside. */
  readonly signal?: AbortSignal | undefined;
  /** The job's types and the validator of its result, where only an id is at hand. */
  readonly definition?: JobDefinition<Job> | undefined;
  /** Replaces the server's option; at least three times its `reportIntervalMs`. */
  readonly leaseMs?: number | undefined;
  /**
   * `"next"` begins a retry: steps, percent and error are cleared, and from then on the worker of the attempt before is
   * refused.
   * @defaultValue `"current"`
   */
  readonly attempt?: "current" | "next" | undefined;
  /**
   * Whether to take the job from a worker that still holds it. Its later writes are refused (`hold-lost`). Use it only
   * if you know that the other worker is gone. The cursor of a `status()` takes the job only from a worker that had
   * opened it by then: if another one has opened it since, the job is `job-held`. @defaultValue `false`
   */
  readonly takeOver?: boolean | Cursor | undefined;
}

/** The dependencies of {@link openJob}. */
export interface OpenContext {
  readonly store: GuardedStore;
  readonly settings: Settings;
  readonly learner: Pick<Learner, "learn">;
  isClosed(): boolean;
  readonly onOpened: (reporter: OpenReporter<JobTypes>) => void;
  readonly onClosed: (reporter: OpenReporter<JobTypes>) => void;
}

/**
 * Opens a job for a worker. From then on it is running, leased, and held by this worker.
 *
 * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `job-held` if another worker holds the job,
 * `attempt-superseded` if another worker began the same attempt, `store-unavailable`, `closed`, `invalid-option`
 */
export async function openJob<Job extends JobTypes>(
  context: OpenContext,
  job: string | CreatedJob<Job>,
  options: OpenOptions<Job> = {},
): Promise<OpenReporter<Job>> {
  const { store, settings, learner, onOpened, onClosed } = context;
  if (context.isClosed()) throw closedError("This progress");
  const opened = await takeJob(context, job, options);
  const reporter: OpenReporter<Job> = createReporter<Job>({
    ...opened,
    store,
    settings,
    learner,
    signal: options.signal,
    onClosed: () => onClosed(reporter as OpenReporter<JobTypes>),
  });
  onOpened(reporter as OpenReporter<JobTypes>);
  await reporter.begin();
  return reporter;
}

async function takeJob<Job extends JobTypes>(
  context: OpenContext,
  job: string | CreatedJob<Job>,
  options: OpenOptions<Job>,
): Promise<OpenedJob<Job>> {
  const { store, settings } = context;
  const isCreated = typeof job === "object" && job !== null;
  const jobId = checkedJob("open", job);
  checkOpenOptions(options);
  const leaseMs = resolveLeaseMs(options.leaseMs, settings);
  const watcher = createJobWatcher({ ...settings, jobId, store });
  const hold = createHold();
  try {
    const { set: before, done, cursor } = await watcher.open();
    if (done) throw jobFinished(jobId, String(before.status));
    const { set, attempt } = openingFields(before, options.attempt, store.now());
    const { takeOver = false } = options;
    const seen = typeof takeOver === "string" ? takeOver : cursor;
    const opening = hold.opening(seen, takeOver !== false);
    const read = { jobId, store, watcher, hold, leaseMs, cursor };
    const missed = await writeOpening(read, set, opening);
    // Nothing would stop a reporter that is made after `close()`. The lease that it took runs out.
    if (context.isClosed()) throw closedError("This progress");
    const definition = options.definition ?? (isCreated ? job.definition : undefined);
    const fields = { ...before, ...set, ...missed, stale: false };
    return { jobId, definition, attempt, leaseMs, fields, hold, watcher };
  } catch (error) {
    watcher.stop();
    throw error;
  }
}

const checks = checksFor("open");
const { names, invalid } = checks;

function checkOpenOptions(options: OpenOptions<JobTypes>): void {
  names(options, ["signal", "definition", "leaseMs", "attempt", "takeOver"]);
  const { signal, definition, attempt, takeOver } = options;
  if (attempt !== undefined && attempt !== "current" && attempt !== "next")
    throw invalid("attempt", attempt, '"current" or "next"');
  if (takeOver !== undefined && typeof takeOver !== "boolean" && !isCursor(takeOver))
    throw invalid("takeOver", takeOver, "true, false or a cursor");
  if (signal !== undefined && typeof signal?.addEventListener !== "function")
    throw invalid("signal", signal, "an AbortSignal");
  checkDefinition(checks, definition);
}

function isCursor(value: unknown): boolean {
  return typeof value === "string" && parseCursor(value) !== undefined;
}

/** A job that was read to be opened. */
interface ReadJob extends Pick<OpenedJob<JobTypes>, "jobId" | "watcher" | "hold" | "leaseMs"> {
  readonly store: GuardedStore;
  /** The cursor at which it was read. */
  readonly cursor: Cursor;
}

/** Writes the change that opens a job. @returns the fields that others wrote after the job was read. */
async function writeOpening(job: ReadJob, set: Fields, opening: HoldWrite): Promise<Fields> {
  const { watcher, leaseMs } = job;
  try {
    const written = await watcher.write({ set, log: [], hold: opening, leaseMs });
    return isNext(job.cursor, written.cursor) ? {} : await missedFields(job, set);
  } catch (error) {
    // The write may be stored nevertheless. Nobody would work on the job, and other workers would find it held.
    // The caller does not wait for the store once more.
    if (isProgressError(error, "store-unavailable")) void giveBack(job, opening);
    throw error;
  }
}

function isNext(read: Cursor, written: Cursor): boolean {
  const [from, to] = [parseCursor(read), parseCursor(written)];
  return from !== undefined && to?.epoch === from.epoch && to.version === from.version + 1;
}

/** Another worker may have reported between the read and the write. Its percent must not fall (P13). */
async function missedFields(
  { jobId, store, watcher, hold, leaseMs, cursor }: ReadJob,
  set: Fields,
): Promise<Fields> {
  const missed = (await store.read(jobId, cursor))?.set ?? {};
  if (set.attempt === undefined) return missed;
  // The steps of the attempt before that were not known when this one began.
  const cleared = clearedSteps(missed);
  if (Object.keys(cleared).length > 0)
    await watcher.write({ set: cleared, log: [], hold: hold.next(), leaseMs });
  return { ...missed, ...cleared };
}

/** Gives a hold back whose opening got no answer. Never rejects: the lease runs out by itself. */
async function giveBack({ watcher, hold }: ReadJob, { opens }: HoldWrite): Promise<void> {
  const release = { set: {}, log: [], leaseMs: 0 };
  try {
    await watcher.write({ ...release, hold: hold.next() });
  } catch (error) {
    if (!isProgressError(error, "hold-lost") || opens === undefined) return;
    // The opening is not stored. Once the store knows this hold, it ignores an opening that arrives late.
    const late = hold.opening(opens.seen, false);
    await watcher.write({ ...release, hold: late }).catch(() => {});
  }
}
