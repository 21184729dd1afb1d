import {
  type Change,
  checkChange,
  type Fields,
  isTerminal,
  isVisible,
  type JobDefinition,
  type JobState,
  type JobTypes,
  type Json,
  ProgressError,
  replicaFields,
  type StepState,
  stateOf,
} from "@emlinh/progress-protocol";
import { asProgressError, closedError, jobFinished } from "../../shared/errors.js";
import { validated } from "../draft.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Seat } from "../hub/hub.js";
import type { Member } from "../hub/topic.js";
import type { Settings } from "../options.js";
import { cancelAsked, endedElsewhere, removed, superseded } from "./abort-reasons.js";
import { cutText } from "./clamp.js";
import { isJobError, isShowable, jobErrorOf } from "./failure.js";
import { fieldsOfUpdate } from "./job-update.js";
import { createOutbox } from "./outbox.js";
import type { Reporter } from "./reporter.js";
import { beginStep, fieldOf, type StepHost, skipStep } from "./steps.js";

/** A reporter, and what the rooms beside it need of it. */
export interface OpenReporter<Job extends JobTypes> extends Reporter<Job> {
  /** The step in which an error came up. */
  stepOf(error: unknown): string | undefined;
  /** From now on the reporter heeds what others do to the job: they may have ended it already. */
  begin(): void;
  /** Stops without giving up the lease: the job is lost soon, unless someone takes it over. */
  abandon(): Promise<void>;
}

/** What a reporter is made of. */
export interface ReporterContext<Job extends JobTypes> {
  readonly jobId: string;
  readonly definition: JobDefinition<Job> | undefined;
  readonly store: GuardedStore;
  readonly settings: Settings;
  readonly leaseMs: number;
  readonly attempt: number;
  /** At the job's topic; the reporter gives it back. */
  readonly seat: Seat;
  /** The job's fields after the write with which the reporter took it, and that write's cursor. */
  readonly fields: Fields;
  readonly cursor: string;
  /** The caller's: aborting it cancels the work. */
  readonly signal: AbortSignal | undefined;
  readonly onClosed: () => void;
}

/** Makes the reporter of a job that was taken by a write. */
export function createReporter<Job extends JobTypes>(
  context: ReporterContext<Job>,
): OpenReporter<Job> {
  const { jobId, definition, store, settings, attempt, seat } = context;
  const { clock, onError } = settings;
  const { topic } = seat;
  const aborter = new AbortController();
  const view: Record<string, Json> = { ...context.fields };
  /** The innermost step in which the last error came up. */
  let failedIn: { readonly error: unknown; readonly step: string } | undefined;
  let ending = false;

  const outbox = createOutbox({
    ...settings,
    jobId,
    store: {
      ...store,
      write(id, change) {
        const write = () => store.write(id, change);
        // A status is for everybody to heed, another reporter in this process too.
        return change.set.status === undefined ? topic.own(write, isVisible(change)) : write();
      },
    },
    attempt,
    leaseMs: context.leaseMs,
    cursor: context.cursor,
    onStop(error) {
      const { status } = error.details;
      // The end tells more than that there was one: that the job was lost while this worker was paused, say.
      abort(
        error.code === "job-finished" && isTerminal(status) ? endedElsewhere(status, jobId) : error,
      );
      letGo();
    },
  });

  const member: Member = {
    eager: false,
    changed: look,
    gone: () => outbox.stop(removed(jobId)),
    // The outbox has its own patience with a store that is away.
    storeLost: () => {},
  };

  /** Looks at what others did to the job. */
  function look(): void {
    if (ending) return;
    const fields = replicaFields(topic.replica());
    if (Number(fields.attempt) > attempt) outbox.stop(superseded(jobId, attempt));
    else if (isTerminal(fields.status)) outbox.stop(endedElsewhere(fields.status, jobId));
    else if (fields.cancelRequested === true) {
      view.cancelRequested = true;
      abort(cancelAsked(jobId));
    }
  }

  function abort(reason: ProgressError): void {
    if (!aborter.signal.aborted) aborter.abort(reason);
  }

  const onCallerAbort = (): void => abort(cancelAsked(jobId));

  function letGo(): void {
    context.signal?.removeEventListener("abort", onCallerAbort);
    topic.members.delete(member);
    seat.leave();
    context.onClosed();
  }

  function refuse(message: string): void {
    onError(new ProgressError("invalid-change", { message: `Job "${jobId}": ${message}` }));
  }

  /** Reporting must not fail the work on which it reports, whatever it is given. */
  function tell(report: () => void): void {
    try {
      report();
    } catch (error) {
      onError(asProgressError(error, `A change of the job "${jobId}" could not be taken.`));
    }
  }

  /** Checks, copies and queues a change. A copy, since the caller may go on to change the values before they are sent. */
  function record(change: Pick<Change, "set" | "log">, urgent: boolean): void {
    if (ending || outbox.stopped() !== undefined) return;
    const bytes = checkChange(change);
    const copy = copyOf(change);
    Object.assign(view, copy.set, { updatedAt: clock() });
    outbox.put(copy, { bytes, urgent });
  }

  /** The first who ends the job ends it. If that end is none that can be stored, the job is open again. */
  async function finish(fieldsOfEnd: () => Fields | Promise<Fields>): Promise<JobState<Job>> {
    const stopped = outbox.stopped();
    if (stopped !== undefined) throw stopped;
    if (ending) throw jobFinished(jobId, String(view.status));
    ending = true;
    try {
      const change = { set: { ...(await fieldsOfEnd()), finishedAt: clock() }, log: [] };
      const bytes = checkChange(change);
      const copy = copyOf(change);
      await outbox.end(copy, bytes);
      Object.assign(view, copy.set, { updatedAt: clock() });
    } catch (error) {
      ending = outbox.stopped() !== undefined;
      throw error;
    }
    letGo();
    return state();
  }

  function state(): JobState<Job> {
    return stateOf<Job>(jobId, view, clock());
  }

  function stepFields(from: string, to: "completed" | "failed"): Fields {
    const fields: Record<string, Json> = {};
    for (const [field, value] of Object.entries(view)) {
      const step = value as unknown as StepState | null;
      if (!field.startsWith("steps.") || step?.status !== from) continue;
      const percent = to === "completed" ? 100 : step.percent;
      fields[field] = { ...step, status: to, percent, finishedAt: clock() } as unknown as Json;
    }
    return fields;
  }

  const host: StepHost = {
    signal: aborter.signal,
    clock,
    stepOf: (id) => (view[fieldOf(id)] ?? undefined) as unknown as StepState | undefined,
    record: (set, urgent) => tell(() => record({ set, log: [] }, urgent)),
    refuse,
  };

  const reporter: OpenReporter<Job> = {
    id: jobId,
    signal: aborter.signal,
    get state() {
      return state();
    },
    update(update) {
      tell(() => {
        const set = fieldsOfUpdate(update ?? {}, view);
        if (typeof set === "string") refuse(set);
        else if (Object.keys(set).length > 0) record({ set, log: [] }, false);
      });
    },
    log(text, { level = "info", data } = {}) {
      tell(() => {
        const line = { at: clock(), level, text: cutText(String(text)) };
        record({ set: {}, log: [data === undefined ? line : { ...line, data }] }, true);
      });
    },
    async step(id, work) {
      const step = beginStep(host, id);
      try {
        const result = await work(step);
        step.complete();
        return result;
      } catch (error) {
        if (failedIn?.error !== error) failedIn = { error, step: id };
        if (!aborter.signal.aborted) step.fail();
        throw error;
      }
    },
    beginStep: (id) => beginStep(host, id),
    skip: (id) => skipStep(host, id),
    complete: (result) =>
      finish(async () => ({
        result: (await validated("result", definition?.result, result ?? null)) as Json,
        ...stepFields("running", "completed"),
        status: "completed",
        error: null,
      })),
    async fail(error) {
      if (!isShowable(error) && !isJobError(error))
        onError(
          new ProgressError("job-failed", { message: `The job "${jobId}" failed.`, cause: error }),
        );
      const shown = jobErrorOf(error, reporter.stepOf(error));
      return finish(() => ({
        ...stepFields("running", "failed"),
        status: "failed",
        error: { ...shown, message: cutText(shown.message) },
      }));
    },
    cancelled: (message) => reporter.end("cancelled", { message }),
    end: (status, { message, error } = {}) =>
      finish(() => ({
        status,
        ...(message !== undefined && { message: cutText(message) }),
        ...(error !== undefined && { error: { ...error } }),
      })),
    flush: () => outbox.flush(),
    close: () => close(true),
    [Symbol.asyncDispose]: () => close(true),
    stepOf: (error) => (failedIn?.error === error ? failedIn?.step : undefined),
    begin() {
      topic.members.add(member);
      context.signal?.addEventListener("abort", onCallerAbort, { once: true });
      if (context.signal?.aborted) onCallerAbort();
      look();
    },
    abandon: () => close(false),
  };

  async function close(giveUpLease: boolean): Promise<void> {
    if (ending || outbox.stopped() !== undefined) return;
    const reason = closedError(`The reporter of the job "${jobId}"`);
    abort(reason);
    await outbox.close({ giveUpLease, reason });
    letGo();
  }

  return reporter;
}

/** What JSON makes of a change. */
function copyOf<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
