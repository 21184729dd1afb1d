import { type Fields, isTerminal, type JobTypes } from "@emlinh/progress-protocol";
import { attemptSuperseded } from "../../shared/errors.js";
import { checksFor } from "../../shared/option-checks.js";
import type { Refuse } from "../../shared/untyped.js";
import type { GuardedStore } from "../guarded-store.js";
import { jobSize } from "../job-size.js";
import { fieldsOfUpdate } from "../job-update.js";
import type { Learner } from "../learner.js";
import type { Settings } from "../options.js";
import { plannedSteps } from "../step-state.js";
import { cancelRequested, endedElsewhere, jobRemoved } from "./abort-reasons.js";
import { complete, endAs, fail, requeue } from "./job-end.js";
import { log } from "./log.js";
import { closedReporter, createOutbox, type Outbox } from "./outbox.js";
import type { Reporter } from "./reporter.js";
import { beginStep, type StepHost, skipStep } from "./steps.js";
import {
  abort,
  guardReport,
  knownStep,
  type OpenedJob,
  record,
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
  /** Whether an end or a requeue was accepted, or is being delivered. */
  isEnding(): boolean;
  /** Stops without giving up the lease: the job is lost soon, unless another worker takes it over. */
  abandon(): Promise<void>;
  /** Renews the lease now. */
  renewLease(): void;
}

/** The dependencies of a reporter. */
export interface ReporterContext<Job extends JobTypes> extends OpenedJob<Job> {
  readonly store: GuardedStore;
  readonly settings: Settings;
  readonly learner: Pick<Learner, "learn">;
  /** The caller's signal: aborting it cancels the work. */
  readonly signal: AbortSignal | undefined;
  readonly onClosed: () => void;
}

const { invalid } = checksFor("step");

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
      signal?.addEventListener("abort", onCallerAbort, { once: true });
      if (signal?.aborted) onCallerAbort();
      checkOthers(worker, worker.view);
      await watcher.listen({
        changed: (set) => checkOthers(worker, set),
        removed: () => worker.outbox.stop(jobRemoved(jobId)),
      });
    },
    isRequeued: () => worker.isRequeued,
    isEnding: () => worker.isEnding,
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
  const refuse: Refuse = (...fault) => refuseValue(worker, ...fault);
  return {
    update: (update) =>
      guardReport(worker, () => record(worker, fieldsOfUpdate(update, worker.view, refuse), false)),
    log: (text, options) => guardReport(worker, () => log(worker, text, options)),
    async step(id, work) {
      if (typeof work !== "function")
        throw invalid("work", work, 'a function, as in step("render", async (step) => {})');
      const step = beginStep(host, id);
      try {
        const result = await work(step);
        step.complete();
        return result;
      } catch (error) {
        // An error that passes through nested steps belongs to the innermost one.
        const { failedStep } = worker;
        if (failedStep === undefined || failedStep.error !== error)
          worker.failedStep = { error, id };
        if (!worker.aborter.signal.aborted) step.fail();
        throw error;
      }
    },
    beginStep: (id) => beginStep(host, id),
    skip: (id) => guardReport(worker, () => skipStep(host, id)),
  };
}

function stepHostOf(worker: WorkerState<JobTypes>): StepHost {
  return {
    signal: worker.aborter.signal,
    stepUsers: worker.stepUsers,
    now: () => timeOfReport(worker),
    known: (field) => knownStep(worker, field),
    isPlanned: plannedSteps(worker.view.plan),
    guard: (report) => guardReport(worker, report),
    record: (set, isUrgent) => record(worker, set, isUrgent),
    refuse: (...fault) => refuseValue(worker, ...fault),
  };
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
