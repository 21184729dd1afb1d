import {
  type Fields,
  isTerminal,
  type JobTypes,
  type Json,
  type LogLevel,
  type PlanStep,
} from "@emlinh/progress-protocol";
import { attemptSuperseded } from "../../shared/errors.js";
import { cutText } from "../../shared/limits.js";
import { unknownMember } from "../../shared/member-names.js";
import { shown } from "../../shared/shown.js";
import type { GuardedStore } from "../guarded-store.js";
import { jobSize } from "../job-size.js";
import { fieldsOfUpdate, type Refuse } from "../job-update.js";
import type { Settings } from "../options.js";
import { cancelRequested, endedElsewhere, jobRemoved } from "./abort-reasons.js";
import { complete, endAs, fail, requeue } from "./job-end.js";
import { closedReporter, createOutbox, type Outbox } from "./outbox.js";
import type { Reporter } from "./reporter.js";
import { beginStep, type StepHost, skipStep } from "./steps.js";
import {
  abort,
  guardReport,
  knownStep,
  merge,
  type OpenedJob,
  record,
  recordLine,
  refuseValue,
  stateOfWorker,
  timeOfReport,
  type WorkerState,
} from "./worker-state.js";

/** A reporter with the methods that only the library uses. */
export interface OpenReporter<Job extends JobTypes> extends Reporter<Job> {
  /** Begins to react to changes by others. Resolves when it has reacted to those that came while the job was opened. */
  begin(): Promise<void>;
  /** Whether the job was given back to the queue. */
  isRequeued(): boolean;
  /** Stops without giving up the lease: the job is lost soon, unless another worker takes it over. */
  abandon(): Promise<void>;
  /** Renews the lease now. */
  renewLease(): void;
}

/** The dependencies of a reporter. */
export interface ReporterContext<Job extends JobTypes> extends OpenedJob<Job> {
  readonly store: GuardedStore;
  readonly settings: Settings;
  /** The caller's signal: aborting it cancels the work. */
  readonly signal: AbortSignal | undefined;
  readonly onClosed: () => void;
}

/** Makes the reporter of a job that was opened by a write. */
export function createReporter<Job extends JobTypes>(
  context: ReporterContext<Job>,
): OpenReporter<Job> {
  const { jobId, watcher, signal } = context;
  const onCallerAbort = (): void => abort(worker, cancelRequested(jobId));
  const worker: WorkerState<Job> = {
    ...context,
    aborter: new AbortController(),
    view: { ...context.fields },
    size: jobSize(context.fields),
    stepUsers: new Map(),
    refusedKinds: new Set(),
    failedStep: undefined,
    isEnding: false,
    isRequeued: false,
    outbox: outboxOf(context, () => worker),
    release() {
      signal?.removeEventListener("abort", onCallerAbort);
      watcher.stop();
      context.onClosed();
    },
  };
  return {
    ...reportMethods(worker),
    ...endMethods(worker),
    id: jobId,
    signal: worker.aborter.signal,
    get state() {
      return stateOfWorker(worker);
    },
    async begin() {
      let isBeginning = true;
      signal?.addEventListener("abort", onCallerAbort, { once: true });
      if (signal?.aborted) onCallerAbort();
      checkOthers(worker, worker.view);
      await watcher.listen({
        changed(set) {
          // Another worker may have reported between the read and the write that opened the job. Its percent must not
          // fall (P13).
          if (isBeginning) merge(worker, set);
          checkOthers(worker, set);
        },
        removed: () => worker.outbox.stop(jobRemoved(jobId)),
      });
      isBeginning = false;
    },
    isRequeued: () => worker.isRequeued,
    abandon: () => close(worker, false),
    renewLease: () => worker.outbox.renew(),
  };
}

function outboxOf<Job extends JobTypes>(
  context: ReporterContext<Job>,
  workerOf: () => WorkerState<Job>,
): Outbox {
  const { jobId, store, settings, watcher, hold, leaseMs } = context;
  return createOutbox({
    ...settings,
    jobId,
    store,
    hold,
    leaseMs,
    write: watcher.write,
    onStop(error) {
      const { status } = error.details;
      // The status is more specific than "it ended": the job may have been lost while this worker was suspended.
      const isEnd = error.code === "job-finished" && isTerminal(status);
      const worker = workerOf();
      abort(worker, isEnd ? endedElsewhere(status, jobId) : error);
      worker.release();
    },
  });
}

/** Reacts to fields that others may have changed. */
function checkOthers(worker: WorkerState<JobTypes>, set: Fields): void {
  const { jobId, attempt, outbox, view } = worker;
  if (worker.isEnding) return;
  if (Number(set.attempt ?? attempt) > attempt) outbox.stop(attemptSuperseded(jobId, attempt));
  else if (isTerminal(set.status)) outbox.stop(endedElsewhere(set.status, jobId));
  else if (set.cancelRequested === true) {
    view.cancelRequested = true;
    abort(worker, cancelRequested(jobId));
  }
}

type ReportMethods<Job extends JobTypes> = Pick<
  Reporter<Job>,
  "update" | "log" | "step" | "beginStep" | "skip"
>;

function reportMethods<Job extends JobTypes>(worker: WorkerState<Job>): ReportMethods<Job> {
  const host = stepHostOf(worker);
  const refuse: Refuse = (kind, message) => refuseValue(worker, kind, message);
  return {
    update: (update) =>
      guardReport(worker, () => record(worker, fieldsOfUpdate(update, worker.view, refuse), false)),
    log: (text, options) => guardReport(worker, () => log(worker, text, options)),
    async step(id, work) {
      const step = beginStep(host, id);
      try {
        const result = await work(step);
        step.complete();
        return result;
      } catch (error) {
        // An error that passes through nested steps belongs to the innermost one.
        if (worker.failedStep?.error !== error) worker.failedStep = { error, id };
        if (!worker.aborter.signal.aborted) step.fail();
        throw error;
      }
    },
    beginStep: (id) => beginStep(host, id),
    skip: (id) => guardReport(worker, () => skipStep(host, id)),
  };
}

function stepHostOf(worker: WorkerState<JobTypes>): StepHost {
  const { plan } = worker.view;
  const planned = Array.isArray(plan) ? plan.map((step: PlanStep) => step.id) : [];
  return {
    signal: worker.aborter.signal,
    stepUsers: worker.stepUsers,
    now: () => timeOfReport(worker),
    known: (id) => knownStep(worker, id),
    isPlanned: (id) => planned.length === 0 || planned.includes(id),
    guard: (report) => guardReport(worker, report),
    record: (set, isUrgent) => guardReport(worker, () => record(worker, set, isUrgent)),
    refuse: (kind, message) => refuseValue(worker, kind, message),
  };
}

/** @param text - From untyped code it may be anything. So may the options. */
function log(worker: WorkerState<JobTypes>, text: unknown, options: unknown): void {
  const printed = printedText(text);
  if (printed === undefined) {
    const remedy = "Pass the text, and the value as the option data.";
    refuseValue(worker, "log text", `log was called with ${shown(text)} as its text. ${remedy}`);
    return;
  }
  const { level, data } = logOptions(worker, options);
  const line = { at: timeOfReport(worker), level, text: cutText(printed) };
  recordLine(worker, data === undefined ? line : { ...line, data });
}

function printedText(text: unknown): string | undefined {
  if (text instanceof Error) return String(text);
  return typeof text === "object" || typeof text === "function" || typeof text === "symbol"
    ? undefined
    : String(text);
}

function logOptions(
  worker: WorkerState<JobTypes>,
  options: unknown,
): { readonly level: LogLevel; readonly data: Json | undefined } {
  const unknown = unknownMember(options, ["level", "data"]);
  if (unknown !== undefined) refuseValue(worker, "log options", `log has no option ${unknown}`);
  const { level = "info", data } = Object(options) as { level?: unknown; data?: Json };
  if (isLogLevel(level)) return { level, data };
  const wanted = '"info", "warn" or "error"';
  refuseValue(worker, "log level", `The level of a line is ${shown(level)}; it must be ${wanted}.`);
  return { level: "info", data };
}

function isLogLevel(level: unknown): level is LogLevel {
  return level === "info" || level === "warn" || level === "error";
}

type EndMethods<Job extends JobTypes> = Pick<
  Reporter<Job>,
  "complete" | "fail" | "cancelled" | "end" | "requeue" | "flush" | "close"
> & { readonly [Symbol.asyncDispose]: () => Promise<void> };

function endMethods<Job extends JobTypes>(worker: WorkerState<Job>): EndMethods<Job> {
  return {
    complete: (result) => complete(worker, result),
    fail: (error) => fail(worker, error),
    cancelled: (message) => endAs(worker, "cancelled", { message }),
    end: (status, options) => endAs(worker, status, options ?? {}),
    requeue: (options) => requeue(worker, options ?? {}),
    flush: () => worker.outbox.flush(),
    close: () => close(worker, true),
    [Symbol.asyncDispose]: () => close(worker, true),
  };
}

async function close(worker: WorkerState<JobTypes>, giveUpLease: boolean): Promise<void> {
  const { jobId, outbox } = worker;
  if (worker.isEnding || outbox.stopped() !== undefined) return;
  const reason = closedReporter(jobId);
  abort(worker, reason);
  await outbox.close({ giveUpLease, reason });
  worker.release();
}
