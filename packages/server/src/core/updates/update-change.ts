import {
  checkedChange,
  checkedField,
  type Fields,
  type Json,
  type NewLogLine,
  type StepState,
} from "@emlinh/progress-protocol";
import { checkedMessage, endFields } from "../end-fields.js";
import { jobSize } from "../job-size.js";
import { fieldsOfUpdate, refuseByThrowing } from "../job-update.js";
import { clearedSteps } from "../opening.js";
import {
  begunStep,
  checkedStepUpdate,
  checkStepId,
  closedRunningSteps,
  endedStep,
  isFinal,
  plannedSteps,
  stepField,
  updatedStep,
} from "../step-state.js";
import type { LastReport, LineReport, StepReport, WorkerUpdate } from "./read-update.js";

/** The fields that a report sets, and the lines that it appends. */
export interface ReportedChange {
  readonly set: Fields;
  readonly log: readonly NewLogLine[];
  readonly lostLines: number;
}

/**
 * The change that a report makes to a job, by the rules of a reporter (P13): the percent never falls, and a step that
 * is completed or skipped stays so.
 *
 * @param before - The job's fields.
 * @param storeNow - The store's time, in milliseconds since the epoch.
 * @throws ProgressError `invalid-change` or `too-large`, naming the member.
 */
export function changeOf(update: WorkerUpdate, before: Fields, storeNow: number): ReportedChange {
  // The time never goes back, so that no step ends before it began.
  const now = Math.max(storeNow, Number(before.updatedAt ?? 0));
  const cleared = update.open?.attempt === "next" ? clearedSteps(before) : {};
  const known = { ...before, ...cleared };
  const reported = { ...cleared, ...reportedFields(update, known, now) };
  checkSize(before, reported);
  const { last } = update;
  const ended = last === undefined ? {} : lastFields(last, known);
  const log = update.log.map((line) => lineOf(line, before, now));
  const checked = checkedChange({ set: { ...reported, ...ended }, log });
  const closed = closedByWorker({ ...known, ...checked.set }, now);
  // All steps of a job may take more bytes than one change may, and the job must be able to end.
  return { ...checked, set: { ...checked.set, ...closed }, lostLines: update.lostLines };
}

function reportedFields({ fields, steps }: WorkerUpdate, before: Fields, now: number): Fields {
  const set: Record<string, Json> = { ...fieldsOfUpdate(fields, before, refuseByThrowing) };
  const isPlanned = plannedSteps(before.plan);
  for (const step of steps) {
    checkStepId(step.id, isPlanned, refuseByThrowing);
    Object.assign(set, stepFields(step, before, now));
  }
  return set;
}

/** A report without a status begins a step that has not begun. It does not change one that has ended. */
function stepFields({ id, status, update }: StepReport, fields: Fields, now: number): Fields {
  const field = stepField(id);
  const before = (fields[field] ?? undefined) as unknown as StepState | undefined;
  const checked = checkedStepUpdate(id, update, refuseByThrowing);
  const { message } = checked;
  if (isFinal(before)) return {};
  if (status === "skipped")
    return { [field]: json(endedStep(before, { outcome: status, message }, now)) };
  const isAgain = before?.status === "failed";
  if (isAgain && (status === undefined || status === "failed")) return {};
  const begins = before === undefined || isAgain;
  const running = updatedStep(begins ? begunStep(before, now) : before, checked);
  const isOver = status === "completed" || status === "failed";
  const step = isOver ? endedStep(running, { outcome: status, message }, now) : running;
  return { ...(begins && { step: id }), [field]: json(step) };
}

function json(step: StepState): Json {
  return step as unknown as Json;
}

/** A job may have steps and metadata up to a bound (P53). Its end is accepted even beyond that. */
function checkSize(before: Fields, set: Fields): void {
  const size = jobSize(before);
  for (const [field, value] of Object.entries(set))
    size.set(field, checkedField(field, value).bytes);
}

function lastFields(last: LastReport, before: Fields): Fields {
  if (last.kind === "requeue") {
    // A job that was asked to be cancelled must not begin again.
    const status = before.cancelRequested === true ? "cancelled" : "queued";
    return { status, ...checkedMessage("requeue", last.message) };
  }
  const { status, result, error, message } = last;
  if (status === "completed")
    return { result, status, error: null, ...checkedMessage("end", message) };
  const shown = status === "failed" ? (error ?? GENERIC) : error;
  return endFields(status, { message, error: shown }, { onHidden() {} });
}

const GENERIC = { code: "job-failed", message: "The job failed." };

/** The steps that the last report of a worker closes. The store closes those of the other ends (P47). */
function closedByWorker(fields: Fields, now: number): Fields {
  if (fields.status === "completed") return closedRunningSteps(fields, "completed", now);
  return fields.status === "queued" ? closedRunningSteps(fields, "failed", now) : {};
}

/** A worker's clock may be wrong (P4), so the time of a line is kept between the job's creation and now. */
function lineOf(line: LineReport, before: Fields, now: number): NewLogLine {
  const { text, level, data, at = now } = line;
  const time = Math.min(now, Math.max(Math.floor(at), Number(before.createdAt ?? 0)));
  return { at: time, level, text, ...(data !== undefined && { data }) };
}
