import {
  type Change,
  checkChange,
  type Fields,
  type JobDefinition,
  type JobState,
  type JobTypes,
  type Json,
  ProgressError,
  type StepState,
  stateOf,
} from "@emlinh/progress-protocol";
import { asProgressError } from "../../shared/errors.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import type { JobWatcher } from "./job-watcher.js";
import type { Outbox } from "./outbox.js";
import { stepField } from "./steps.js";

/** The job of a reporter, as it was when the reporter opened it. */
export interface OpenedJob<Job extends JobTypes> {
  readonly jobId: string;
  readonly definition: JobDefinition<Job> | undefined;
  readonly attempt: number;
  readonly leaseMs: number;
  /** The job's fields after the write with which the reporter opened it, and that write's cursor. */
  readonly fields: Fields;
  readonly cursor: string;
  readonly watcher: JobWatcher;
}

/** The state that the parts of one reporter share. */
export interface WorkerState<Job extends JobTypes> extends OpenedJob<Job> {
  readonly store: GuardedStore;
  readonly settings: Settings;
  readonly aborter: AbortController;
  readonly outbox: Outbox;
  /** The job's fields as the worker knows them: as it opened them, with what it reported since. */
  readonly view: Record<string, Json>;
  /** The last error that a step's work threw, and the innermost step that it came from. */
  failedStep: { readonly error: unknown; readonly id: string } | undefined;
  /** Whether the last write has begun. It is reset if that write is refused. */
  isEnding: boolean;
  /** Whether the job was given back to the queue. */
  isRequeued: boolean;
  /** Releases what the reporter holds: its watch, and the caller's signal. */
  readonly release: () => void;
}

/** The job's state as the worker knows it. */
export function stateOfWorker<Job extends JobTypes>(worker: WorkerState<Job>): JobState<Job> {
  return stateOf<Job>(worker.jobId, worker.view, worker.settings.clock());
}

/** The state of a step as the worker knows it. */
export function knownStep(worker: WorkerState<JobTypes>, id: string): StepState | undefined {
  return (worker.view[stepField(id)] ?? undefined) as unknown as StepState | undefined;
}

/** Aborts the work, unless it is aborted already. */
export function abort({ aborter }: WorkerState<JobTypes>, reason: ProgressError): void {
  if (!aborter.signal.aborted) aborter.abort(reason);
}

/**
 * Runs a report. Reporting must not fail the work, whatever values it is given: an error goes to `onError`.
 */
export function guardReport(worker: WorkerState<JobTypes>, report: () => void): void {
  try {
    report();
  } catch (error) {
    const { jobId, settings } = worker;
    settings.onError(asProgressError(error, `A change of the job "${jobId}" was not accepted.`));
  }
}

/** Reports a value that can't be stored. */
export function refuseValue({ jobId, settings }: WorkerState<JobTypes>, message: string): void {
  settings.onError(new ProgressError("invalid-change", { message: `Job "${jobId}": ${message}` }));
}

/** Checks, copies and queues a change. It is copied because the caller may change the values before they are sent. */
export function record(
  worker: WorkerState<JobTypes>,
  change: Pick<Change, "set" | "log">,
  isUrgent: boolean,
): void {
  if (worker.isEnding || worker.outbox.stopped() !== undefined) return;
  const bytes = checkChange(change);
  const copy = jsonCopy(change);
  merge(worker, copy.set);
  worker.outbox.add(copy, { bytes, isUrgent });
}

/** Merges fields into the worker's view of the job. */
export function merge({ view, settings }: WorkerState<JobTypes>, set: Fields): void {
  Object.assign(view, set, { updatedAt: settings.clock() });
}

/** The value that JSON turns this one into. */
export function jsonCopy<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
