import {
  checkedChange,
  type Fields,
  isTerminal,
  type JobState,
  type JobTypes,
  type Json,
  type StepState,
} from "@emlinh/progress-protocol";
import { jobFinished } from "../../shared/errors.js";
import { closedSteps } from "../../shared/lifecycle.js";
import { validated } from "../draft.js";
import {
  checkedMessage,
  type EndOptions,
  type EndStatus,
  endFields,
  workFailed,
} from "../end-fields.js";
import { isShown, jobErrorOf } from "../failure.js";
import { closedReporter, type LastDelivery } from "./outbox.js";
import type { RequeueOptions } from "./reporter.js";
import { abort, merge, stateOfWorker, timeOfReport, type WorkerState } from "./worker-state.js";

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
  }));
}

/** Ends the job as `failed`. The error's own words are shown only if they were meant to be. */
export function fail<Job extends JobTypes>(
  worker: WorkerState<Job>,
  error: unknown,
): Promise<JobState<Job>> {
  if (!isShown(error)) worker.settings.onError(workFailed(worker.jobId, error));
  return endAs(worker, "failed", { error: jobErrorOf(error, failedStepOf(worker, error)) });
}

/** Ends the job otherwise than `completed`. */
export function endAs<Job extends JobTypes>(
  worker: WorkerState<Job>,
  status: EndStatus,
  options: EndOptions,
): Promise<JobState<Job>> {
  const { jobId, settings } = worker;
  const onHidden = (error: unknown): void => settings.onError(workFailed(jobId, error));
  return finish(worker, () => endFields(status, options, { onHidden }));
}

/** Gives the job back to the queue for the next attempt. A job that was asked to be cancelled is cancelled instead. */
export async function requeue(
  worker: WorkerState<JobTypes>,
  { message }: RequeueOptions,
): Promise<void> {
  if (worker.view.cancelRequested === true) {
    await endAs(worker, "cancelled", { message });
    return;
  }
  await finish(worker, (now) => ({
    ...openSteps(worker, (step) => ({ ...step, status: "failed", finishedAt: now })),
    status: "queued",
    ...(message !== undefined && { message: checkedMessage(message) }),
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
 * @param lastFields - Makes the fields, given the time by the store's clock. The store adds `finishedAt`.
 */
async function finish<Job extends JobTypes>(
  worker: WorkerState<Job>,
  lastFields: (now: number) => Fields | Promise<Fields>,
): Promise<JobState<Job>> {
  const { jobId, outbox, view } = worker;
  const stopped = outbox.stopped();
  if (stopped !== undefined) throw stopped;
  if (worker.isEnding) throw jobFinished(jobId, String(view.status));
  worker.isEnding = true;
  try {
    const set = await lastFields(timeOfReport(worker));
    const { bytes, ...change } = checkedChange({ set, log: [] });
    const delivery = await outbox.finish(change, { bytes });
    merge(worker, change.set);
    if (isTerminal(view.status)) await mergeEnd(worker, delivery);
  } catch (error) {
    worker.isEnding = outbox.stopped() !== undefined;
    throw error;
  }
  worker.release();
  return stateOfWorker(worker);
}

/** Merges the fields that the store sets at an end. A retry may have found the end stored by an earlier try. */
async function mergeEnd(
  worker: WorkerState<JobTypes>,
  { writtenAt, wasRetried }: LastDelivery,
): Promise<void> {
  const finishedAt = wasRetried ? await storedEnd(worker, writtenAt) : writtenAt;
  merge(worker, { ...closedSteps(worker.view, finishedAt), finishedAt });
}

async function storedEnd(
  { store, jobId }: WorkerState<JobTypes>,
  writtenAt: number,
): Promise<number> {
  try {
    const delta = await store.read(jobId);
    return Number(delta?.set.finishedAt ?? writtenAt);
  } catch {
    // The end is delivered, and only its time is inexact.
    return writtenAt;
  }
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
