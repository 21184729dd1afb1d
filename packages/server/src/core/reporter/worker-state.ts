import {
  type CheckedChange,
  type CheckedValue,
  checkedField,
  checkedLine,
  type Fields,
  type JobDefinition,
  type JobState,
  type JobTypes,
  type Json,
  MAX_CHANGE_BYTES,
  type NewLogLine,
  ProgressError,
  type StepState,
  stateOf,
} from "@emlinh/progress-protocol";
import { asProgressError } from "../../shared/errors.js";
import type { Refuse } from "../../shared/untyped.js";
import type { GuardedStore } from "../guarded-store.js";
import type { JobSize } from "../job-size.js";
import type { Learner } from "../learner.js";
import type { Settings } from "../options.js";
import type { JobHold } from "./hold.js";
import type { JobWatcher } from "./job-watcher.js";
import type { Outbox } from "./outbox.js";
import type { StepUsers } from "./steps.js";

/** The job of a reporter, as it was when the reporter opened it. */
export interface OpenedJob<Job extends JobTypes> {
  readonly jobId: string;
  readonly definition: JobDefinition<Job> | undefined;
  readonly attempt: number;
  readonly leaseMs: number;
  /** The job's fields after the write with which the reporter opened it. */
  readonly fields: Fields;
  readonly hold: JobHold;
  readonly watcher: JobWatcher;
}

/** The state that the parts of one reporter share. */
export interface WorkerState<Job extends JobTypes> extends OpenedJob<Job> {
  readonly store: GuardedStore;
  readonly settings: Settings;
  readonly learner: Pick<Learner, "learn">;
  readonly aborter: AbortController;
  readonly outbox: Outbox;
  /** The job's fields as the worker knows them: as it opened them, with what it reported since. */
  readonly view: Record<string, Json>;
  readonly size: JobSize;
  /** The users of each step that is running. */
  readonly stepUsers: Map<string, StepUsers>;
  /** The kinds of values that were refused and reported. */
  readonly refusedKinds: Set<string>;
  /** The last error that a step's work threw, and the innermost step that it came from. */
  failedStep: { readonly error: unknown; readonly id: string } | undefined;
  /** Whether the last write has begun. It is reset if that write is refused. */
  isEnding: boolean;
  /** Whether the job was given back to the queue. */
  isRequeued: boolean;
  /** Releases what the reporter holds: its watch, and the caller's signal. */
  readonly release: () => void;
}

/** The time for a report, by the store's clock. It never goes back, so that no step ends before it began. */
export function timeOfReport({ store, view }: WorkerState<JobTypes>): number {
  return Math.max(store.now(), Number(view.updatedAt ?? 0));
}

/** The job's state as the worker knows it. */
export function stateOfWorker<Job extends JobTypes>(worker: WorkerState<Job>): JobState<Job> {
  return stateOf<Job>(worker.jobId, worker.view, worker.store.now());
}

/** The state of a step as the worker knows it. */
export function knownStep({ view }: WorkerState<JobTypes>, field: string): StepState | undefined {
  return (view[field] ?? undefined) as unknown as StepState | undefined;
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
    refuse(worker, "report", asProgressError(error, "A report was not accepted."));
  }
}

/** Reports a value that is left out, once per kind: a program that reports it may do so many times a second. */
export function refuseValue(
  worker: WorkerState<JobTypes>,
  ...[kind, message, cause]: Parameters<Refuse>
): void {
  refuse(worker, kind, new ProgressError("invalid-change", { message, cause }));
}

function refuse(
  { jobId, refusedKinds, settings }: WorkerState<JobTypes>,
  kind: string,
  { code, message, details, cause }: ProgressError,
): void {
  const key = kind.slice(0, MAX_KIND_LENGTH);
  if (refusedKinds.has(key) || refusedKinds.size >= MAX_REFUSED_KINDS) return;
  refusedKinds.add(key);
  settings.onError(
    new ProgressError(code, {
      message: `Job "${jobId}": ${message}`,
      details: { ...details, jobId },
      cause,
    }),
  );
}

/** A program that makes field names up must not fill the memory with them. */
const MAX_REFUSED_KINDS = 100;
const MAX_KIND_LENGTH = 200;

/** Checks, copies and queues fields. One that can't be stored is refused and left out. */
export function record(worker: WorkerState<JobTypes>, set: Fields, isUrgent: boolean): void {
  if (!isReporting(worker)) return;
  for (const change of changesOf(set, (field, value) => acceptedField(worker, field, value))) {
    merge(worker, change.set);
    worker.outbox.add(change, isUrgent);
  }
}

/**
 * The fewest changes that set these fields, in their order.
 *
 * @param check - Checks a field. One for which it returns `undefined` is left out.
 */
export function changesOf(
  fields: Fields,
  check: (field: string, value: unknown) => CheckedValue | undefined,
): readonly CheckedChange[] {
  const changes: { readonly set: Record<string, Json>; readonly log: []; bytes: number }[] = [];
  for (const field of Object.keys(fields)) {
    const checked = check(field, fields[field]);
    if (checked === undefined) continue;
    let last = changes.at(-1);
    if (last === undefined || last.bytes + checked.bytes > MAX_CHANGE_BYTES) {
      last = { set: {}, log: [], bytes: 0 };
      changes.push(last);
    }
    last.set[field] = checked.value;
    last.bytes += checked.bytes;
  }
  return changes;
}

function acceptedField(
  worker: WorkerState<JobTypes>,
  field: string,
  value: unknown,
): CheckedValue | undefined {
  try {
    const checked = checkedField(field, value);
    worker.size.set(field, checked.bytes);
    return checked;
  } catch (error) {
    refuse(worker, field, asProgressError(error, `The value of "${field}" was not accepted.`));
    return undefined;
  }
}

/** Checks, copies and queues a log line. Data that can't be stored are refused and left out. */
export function recordLine(worker: WorkerState<JobTypes>, line: NewLogLine): void {
  if (!isReporting(worker)) return;
  const { value, bytes } = acceptedLine(worker, line);
  worker.outbox.add({ set: {}, log: [value as unknown as NewLogLine], bytes }, true);
}

function acceptedLine(worker: WorkerState<JobTypes>, line: NewLogLine): CheckedValue {
  try {
    return checkedLine(line);
  } catch (error) {
    if (line.data === undefined) throw error;
    refuse(worker, "log data", asProgressError(error, "The data of a line were not accepted."));
    const { data: _, ...rest } = line;
    return checkedLine(rest);
  }
}

function isReporting({ isEnding, outbox }: WorkerState<JobTypes>): boolean {
  return !isEnding && outbox.stopped() === undefined;
}

/** Merges fields into the worker's view of the job. */
export function merge(worker: WorkerState<JobTypes>, set: Fields): void {
  const updatedAt = timeOfReport(worker);
  Object.assign(worker.view, set);
  worker.view.updatedAt = updatedAt;
}
