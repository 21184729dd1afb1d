import {
  type AnyJob,
  type Cursor,
  checkedChange,
  checkedField,
  isProgressError,
  type JobState,
  type JobTypes,
  ProgressError,
  stateOf,
} from "@emlinh/progress-protocol";
import { jobFinished, jobNotFound } from "../shared/errors.js";
import { type CreatedJob, type CreateJob, draftOf } from "./draft.js";
import { type EndOptions, type EndStatus, endFields, workFailed } from "./end-fields.js";
import type { GuardedStore } from "./guarded-store.js";
import { jobEnded } from "./job-ended.js";
import { jobSize } from "./job-size.js";
import { fieldsOfUpdate, type JobUpdate, refuseByThrowing } from "./job-update.js";
import { unweightedSteps } from "./learned-plan.js";
import type { Learner } from "./learner.js";
import type { Settings } from "./options.js";
import type { JobPage, PageRequest, StoredDelta } from "./store.js";

/** A job's whole state, and the cursor to go on from. */
export type JobStatusReport<Job extends JobTypes = AnyJob> = JobState<Job> & {
  readonly cursor: Cursor;
};

/**
 * Operations on jobs by code that does not work on them. Each throws `job-not-found`, `job-expired` and
 * `store-unavailable`.
 */
export interface Jobs {
  create<Job extends JobTypes>(input: CreateJob<Job, unknown>): Promise<CreatedJob<Job>>;
  read<Job extends JobTypes = AnyJob>(jobId: string): Promise<JobStatusReport<Job>>;
  readAfter(jobId: string, cursor: Cursor | undefined): Promise<StoredDelta>;
  /** The ids of a subject's jobs. */
  page(subject: string, page: PageRequest): Promise<JobPage>;
  /** @throws ProgressError `job-finished`, `job-held`, `invalid-change`, `too-large` */
  update(jobId: string, update: JobUpdate): Promise<void>;
  cancel(jobId: string): Promise<JobStatusReport>;
  /** @throws ProgressError `job-finished`, `invalid-option`, `too-large` */
  end(jobId: string, status: EndStatus, options?: EndOptions): Promise<JobStatusReport>;
  /** Removes an ended job. @throws ProgressError `job-not-finished` */
  removeKnown(jobId: string): Promise<boolean>;
}

interface JobsContext {
  readonly store: GuardedStore;
  readonly learner: Pick<Learner, "inform">;
  readonly settings: Pick<Settings, "onError" | "hooks" | "metrics">;
}

/** The state in a snapshot. */
export function stateIn<Job extends JobTypes = AnyJob>(
  jobId: string,
  { set, cursor, now }: StoredDelta,
): JobStatusReport<Job> {
  return { ...stateOf<Job>(jobId, set, now), cursor };
}

/** Creates, reads, updates, cancels, ends and removes jobs of a store. */
export function createJobs(context: JobsContext): Jobs {
  const { store, learner } = context;
  return {
    async create(input) {
      const { draft, definition } = await draftOf(input);
      const unweighted = unweightedSteps(input.definition?.plan ?? input.plan ?? []);
      const { jobId, cursor, created } = await store.create(
        await learner.inform(draft, unweighted),
      );
      return { id: jobId, cursor, created, definition };
    },
    read: (jobId) => readState(context, jobId),
    readAfter: (jobId, cursor) => readDelta(store, jobId, cursor),
    page: (subject, page) => store.list(subject, page),
    update: (jobId, update) => updateJob(context, jobId, update),
    cancel: (jobId) => cancelJob(context, jobId),
    end: (jobId, status, options = {}) => endJob(context, { jobId, status, options }),
    async removeKnown(jobId) {
      const { done } = await readDelta(store, jobId, undefined);
      if (!done) throw jobNotFinished(jobId);
      // An end is final, so the job can't have begun to run again in the meantime.
      return store.remove(jobId);
    },
  };
}

async function readDelta(
  store: GuardedStore,
  jobId: string,
  cursor: Cursor | undefined,
): Promise<StoredDelta> {
  const delta = await store.read(jobId, cursor);
  if (delta === undefined) throw jobNotFound(jobId);
  return delta;
}

async function readState<Job extends JobTypes = AnyJob>(
  { store }: JobsContext,
  jobId: string,
): Promise<JobStatusReport<Job>> {
  return stateIn<Job>(jobId, await readDelta(store, jobId, undefined));
}

async function updateJob({ store }: JobsContext, jobId: string, update: JobUpdate): Promise<void> {
  const { set: before, done } = await readDelta(store, jobId, undefined);
  if (done) throw jobFinished(jobId, String(before.status));
  const { set } = checkedChange({ set: fieldsOfUpdate(update, before, refuseByThrowing), log: [] });
  const size = jobSize(before);
  for (const [field, value] of Object.entries(set))
    size.set(field, checkedField(field, value).bytes);
  if (Object.keys(set).length > 0) await store.write(jobId, { set, log: [] });
}

async function cancelJob(context: JobsContext, jobId: string): Promise<JobStatusReport> {
  const { set: before, ...delta } = await readDelta(context.store, jobId, undefined);
  if (!delta.done && before.cancelRequested !== true) {
    const end = { status: "cancelled" };
    const set = { cancelRequested: true, ...(before.status === "queued" && end) };
    try {
      await context.store.write(jobId, { set, log: [] });
      if (before.status === "queued")
        jobEnded(context.settings, { jobId, status: "cancelled", kind: String(before.kind) });
    } catch (error) {
      // The job ended in the meantime. Nothing is left to cancel, and the answer is that end (P27).
      if (!isProgressError(error, "job-finished")) throw error;
    }
  }
  return readState(context, jobId);
}

interface JobEnd {
  readonly jobId: string;
  readonly status: EndStatus;
  readonly options: EndOptions;
}

async function endJob(
  context: JobsContext,
  { jobId, status, options }: JobEnd,
): Promise<JobStatusReport> {
  const onHidden = (error: unknown): void => context.settings.onError(workFailed(jobId, error));
  const { set } = checkedChange({ set: endFields(status, options, { onHidden }), log: [] });
  await context.store.write(jobId, { set, log: [] });
  jobEnded(context.settings, { jobId, status });
  return readState(context, jobId);
}

function jobNotFinished(jobId: string): ProgressError {
  return new ProgressError("job-not-finished", {
    message: `The job "${jobId}" has not ended, so it can't be removed. Cancel or end it first.`,
    status: 409,
    details: { jobId },
  });
}
