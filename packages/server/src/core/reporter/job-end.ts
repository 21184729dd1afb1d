import {
  type CheckedChange,
  checkedChange,
  checkedField,
  type Fields,
  isTerminal,
  type JobState,
  type JobTypes,
  type Json,
} from "@emlinh/progress-protocol";
import { asProgressError, jobFinished } from "../../shared/errors.js";
import { closedSteps } from "../../shared/lifecycle.js";
import { checksFor } from "../../shared/option-checks.js";
import { validated } from "../draft.js";
import {
  checkedMessage,
  type EndOptions,
  type EndStatus,
  endFields,
  workFailed,
} from "../end-fields.js";
import { isShown, jobErrorOf } from "../failure.js";
import { jobEnded } from "../job-ended.js";
import { closedRunningSteps } from "../step-state.js";
import { closedReporter, type LastDelivery } from "./outbox.js";
import type { RequeueOptions } from "./reporter.js";
import {
  abort,
  changesOf,
  merge,
  stateOfWorker,
  timeOfReport,
  type WorkerState,
} from "./worker-state.js";

/** Ends the job as `completed`, with its open steps completed. */
export function complete<Job extends JobTypes>(
  worker: WorkerState<Job>,
  result: Job["result"],
): Promise<JobState<Job>> {
  return finish(worker, {
    fields: async () => ({
      result: (await validated("result", worker.definition?.result, result ?? null)) as Json,
      status: "completed",
      error: null,
    }),
    closeStepsAs: "completed",
  });
}

/** Ends the job as `failed`. The error's own words are shown only if they were meant to be. */
export function fail<Job extends JobTypes>(
  worker: WorkerState<Job>,
  error: unknown,
): Promise<JobState<Job>> {
  return finish(worker, {
    fields() {
      if (!isShown(error)) onHidden(worker, error);
      const shown = jobErrorOf(error, failedStepOf(worker, error));
      return { status: "failed", error: shown as unknown as Json };
    },
  });
}

/** Ends the job otherwise than `completed`. */
export function endAs<Job extends JobTypes>(
  worker: WorkerState<Job>,
  status: EndStatus,
  options: EndOptions,
): Promise<JobState<Job>> {
  const context = { onHidden: (error: unknown) => onHidden(worker, error) };
  return finish(worker, { fields: () => endFields(status, options, context) });
}

/** Gives the job back to the queue for the next attempt. A job that was asked to be cancelled is cancelled instead. */
export async function requeue(
  worker: WorkerState<JobTypes>,
  options: RequeueOptions,
): Promise<void> {
  const isCancelled = worker.view.cancelRequested === true;
  await finish(worker, {
    fields() {
      names(options, ["message"]);
      const message = checkedMessage("requeue", options.message);
      return { status: isCancelled ? "cancelled" : "queued", ...message };
    },
    ...(!isCancelled && { closeStepsAs: "failed" }),
  });
  if (isCancelled) return;
  worker.isRequeued = true;
  abort(worker, closedReporter(worker.jobId));
}

const { names } = checksFor("requeue");

function onHidden({ jobId, settings }: WorkerState<JobTypes>, error: unknown): void {
  settings.onError(workFailed(jobId, error));
}

/** The step in which an error was thrown. */
function failedStepOf(worker: WorkerState<JobTypes>, error: unknown): string | undefined {
  return worker.failedStep?.error === error ? worker.failedStep?.id : undefined;
}

/** The last change of a reporter. */
interface LastChange {
  /** Makes its fields, without those of the steps. The store adds `finishedAt`. */
  fields(): Fields | Promise<Fields>;
  /** Closes the steps that are still running. By default the store closes them (P47). */
  readonly closeStepsAs?: "completed" | "failed";
}

/**
 * Writes the last change of a reporter. Of two calls only the first one counts. If its fields can't be stored, the job
 * stays open, with its steps.
 *
 * @throws ProgressError
 */
async function finish<Job extends JobTypes>(
  worker: WorkerState<Job>,
  { fields, closeStepsAs }: LastChange,
): Promise<JobState<Job>> {
  const { jobId, outbox, view } = worker;
  const stopped = outbox.stopped();
  if (stopped !== undefined) throw stopped;
  if (worker.isEnding) throw jobFinished(jobId, String(view.status));
  worker.isEnding = true;
  try {
    const end = checkedChange({ set: await fields(), log: [] });
    const changes = [...closingChanges(worker, closeStepsAs), end];
    const delivery = await outbox.finish(changes);
    for (const { set } of changes) merge(worker, set);
    const { status, kind } = view;
    if (isTerminal(status)) {
      jobEnded(worker.settings, { jobId, status, kind: String(kind) });
      await mergeEnd(worker, delivery);
      if (status === "completed") worker.learner.learn(view);
    }
  } catch (error) {
    worker.isEnding = outbox.stopped() !== undefined;
    throw asProgressError(error, `The end of the job "${jobId}" was not accepted.`);
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

/** Closes the steps that are still running. All steps of a job may take more bytes than one change may. */
function closingChanges(
  worker: WorkerState<JobTypes>,
  status: LastChange["closeStepsAs"],
): readonly CheckedChange[] {
  if (status === undefined) return [];
  const closed = closedRunningSteps(worker.view, status, timeOfReport(worker));
  return changesOf(closed, checkedField);
}
