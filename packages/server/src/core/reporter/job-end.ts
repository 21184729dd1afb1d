import {
  checkChange,
  type Fields,
  type JobState,
  type JobTypes,
  type Json,
  ProgressError,
  type StepState,
} from "@emlinh/progress-protocol";
import { jobFinished } from "../../shared/errors.js";
import { closedSteps } from "../../shared/lifecycle.js";
import { cutText } from "../../shared/limits.js";
import { validated } from "../draft.js";
import { type EndOptions, type EndStatus, endFields } from "../jobs.js";
import { isJobError, isShowable, jobErrorOf } from "./failure.js";
import { closedReporter } from "./outbox.js";
import { abort, jsonCopy, merge, stateOfWorker, type WorkerState } from "./worker-state.js";

/** Ends the job as `completed`, with its open steps completed. */
export function complete<Job extends JobTypes>(
  worker: WorkerState<Job>,
  result: Job["result"],
): Promise<JobState<Job>> {
  return finish(worker, async (now) => ({
    result: (await validated("result", worker.definition?.result, result ?? null)) as Json,
    ...openSteps(worker, (step) => ({
      ...step,
      status: "completed",
      percent: 100,
      finishedAt: now,
    })),
    status: "completed",
    error: null,
    finishedAt: now,
  }));
}

/** Ends the job as `failed`. The error's own words are shown only if they were meant to be. */
export function fail<Job extends JobTypes>(
  worker: WorkerState<Job>,
  error: unknown,
): Promise<JobState<Job>> {
  const { jobId, settings } = worker;
  if (!isShowable(error) && !isJobError(error))
    settings.onError(
      new ProgressError("job-failed", { message: `The job "${jobId}" failed.`, cause: error }),
    );
  return endAs(worker, "failed", { error: jobErrorOf(error, failedStepOf(worker, error)) });
}

/** Ends the job otherwise than `completed`. */
export function endAs<Job extends JobTypes>(
  worker: WorkerState<Job>,
  status: EndStatus,
  options: EndOptions,
): Promise<JobState<Job>> {
  return finish(worker, (now) => endFields(status, options, now));
}

/** Gives the job back to the queue for the next attempt. A job that was asked to be cancelled is cancelled instead. */
export async function requeue(
  worker: WorkerState<JobTypes>,
  message: string | undefined,
): Promise<void> {
  if (worker.view.cancelRequested === true) {
    await endAs(worker, "cancelled", { message });
    return;
  }
  await finish(worker, (now) => ({
    ...openSteps(worker, (step) => ({ ...step, status: "failed", finishedAt: now })),
    status: "queued",
    ...(message !== undefined && { message: cutText(message) }),
  }));
  worker.isRequeued = true;
  abort(worker, closedReporter(worker.jobId));
}

/** The step in which an error was thrown. */
function failedStepOf(worker: WorkerState<JobTypes>, error: unknown): string | undefined {
  return worker.failedStep?.error === error ? worker.failedStep?.id : undefined;
}

/**
 * Writes the last change of a reporter. Of two calls only the first one counts. If its fields can't be stored, the job
 * stays open.
 *
 * @param lastFields - Makes the fields, given the time in milliseconds since the epoch.
 */
async function finish<Job extends JobTypes>(
  worker: WorkerState<Job>,
  lastFields: (now: number) => Fields | Promise<Fields>,
): Promise<JobState<Job>> {
  const { jobId, outbox, view, settings } = worker;
  const stopped = outbox.stopped();
  if (stopped !== undefined) throw stopped;
  if (worker.isEnding) throw jobFinished(jobId, String(view.status));
  worker.isEnding = true;
  const now = settings.clock();
  try {
    const change = { set: await lastFields(now), log: [] };
    const bytes = checkChange(change);
    const copy = jsonCopy(change);
    await outbox.finish(copy, { bytes });
    merge(worker, copy.set);
    merge(worker, closedSteps(view, now));
  } catch (error) {
    worker.isEnding = outbox.stopped() !== undefined;
    throw error;
  }
  worker.release();
  return stateOfWorker(worker);
}

function openSteps({ view }: WorkerState<JobTypes>, close: (step: StepState) => StepState): Fields {
  const fields: Record<string, Json> = {};
  for (const [field, value] of Object.entries(view)) {
    const step = value as unknown as StepState | null;
    if (field.startsWith("steps.") && step?.status === "running")
      fields[field] = close(step) as unknown as Json;
  }
  return fields;
}
