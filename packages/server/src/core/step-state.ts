import {
  type Fields,
  type Json,
  NAME,
  type StepState,
  type StepStatus,
} from "@emlinh/progress-protocol";
import { cutText } from "../shared/limits.js";
import { type Refuse, readMembers, shown } from "../shared/untyped.js";
import { percentOfUnits, raisePercent } from "./percent.js";

/*
 * The rules of one step, as pure functions. Reporters and reports over HTTP share them.
 */

/** An update of a running step. Members that are left out keep their value. */
export interface StepUpdate {
  /** Units finished, such as frames. */
  readonly done?: number | undefined;
  /** Units in total. With `done` it gives the percent, unless that is given too. */
  readonly total?: number | undefined;
  /** The unit that is counted: `"frames"`. */
  readonly unit?: string | undefined;
  /** 0..100. It never falls within an attempt: a lower value is replaced by the last one (P13). */
  readonly percent?: number | undefined;
  /** For people; cut at 4096 characters. */
  readonly message?: string | undefined;
}

/** The name of the field that holds a step. */
export function stepField(id: string): string {
  return `steps.${id}`;
}

/** Whether a step keeps its state until the next attempt (P13). */
export function isFinal(step: StepState | undefined): boolean {
  return step?.status === "completed" || step?.status === "skipped";
}

/** A step that begins, perhaps again after it failed. */
export function begunStep(before: StepState | undefined, startedAt: number): StepState {
  return { status: "running", percent: before?.percent ?? null, startedAt };
}

/** A running step after an update whose members were checked. Its percent never falls (P13). */
export function updatedStep(before: StepState, update: CheckedStepUpdate): StepState {
  const next = { ...before, ...update };
  const reported = update.percent ?? percentOfUnits(next.done, next.total);
  next.percent = raisePercent(before.percent, reported);
  if (update.message !== undefined) next.message = cutText(update.message);
  return next;
}

/** How a step ends. */
export interface StepEnd {
  readonly outcome: StepStatus;
  readonly message?: string | undefined;
}

/** A step that ends. */
export function endedStep(
  before: StepState | undefined,
  { outcome, message }: StepEnd,
  finishedAt: number,
): StepState {
  const isCompleted = outcome === "completed";
  return {
    ...before,
    status: outcome,
    finishedAt,
    percent: isCompleted ? 100 : (before?.percent ?? null),
    ...(isCompleted && before?.total !== undefined && { done: before.total }),
    ...(message !== undefined && { message: cutText(message) }),
  };
}

/**
 * The running steps among some fields, closed by the worker itself. A step that is `completed` is at 100 %.
 *
 * The store closes those that a worker leaves running at an end (P47).
 */
export function closedRunningSteps(
  fields: Fields,
  status: "completed" | "failed",
  finishedAt: number,
): Fields {
  const closed: Record<string, Json> = {};
  for (const [field, value] of Object.entries(fields)) {
    const step = value as unknown as StepState | null;
    if (!field.startsWith("steps.") || step?.status !== "running") continue;
    const percent = status === "completed" ? 100 : step.percent;
    closed[field] = { ...step, status, percent, finishedAt } as unknown as Json;
  }
  return closed;
}

/**
 * Checks the id of a step. A wrong one is refused, and so is a step that the plan does not have.
 *
 * @returns whether a step can have this id.
 */
export function checkStepId(
  id: unknown,
  isPlanned: (id: string) => boolean,
  refuse: Refuse,
): boolean {
  if (typeof id !== "string" || !NAME.test(id)) {
    const wanted = '1 to 64 letters, digits, "_" and "-"';
    refuse("step id", `The id of a step is ${shown(id)}; it must be ${wanted}.`);
    return false;
  }
  if (!isPlanned(id)) {
    const fault = `The plan has no step "${id}", so the step does not count for the percent.`;
    refuse(`step ${id}`, `${fault} Add it to the plan, or correct the id.`);
  }
  return true;
}

/** The steps that a plan has. A job without a plan, or with an empty one, may have any step. */
export function plannedSteps(plan: unknown): (id: string) => boolean {
  const planned = new Set(Array.isArray(plan) ? plan.map((step: { id: string }) => step.id) : []);
  return (id) => planned.size === 0 || planned.has(id);
}

/** The members of an update that can be stored. */
export type CheckedStepUpdate = {
  -readonly [Name in keyof StepUpdate]?: NonNullable<StepUpdate[Name]>;
};

/** The members of an update that can be stored. The others, of untyped code or a division by zero, are refused. */
export function checkedStepUpdate(id: string, update: unknown, refuse: Refuse): CheckedStepUpdate {
  const refuseMember: Refuse = (kind, message, cause) =>
    refuse(`step ${kind}`, `Step "${id}": ${message}`, cause);
  const given = readMembers(update, { method: "update", names: NAMES, refuse: refuseMember });
  const checked: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    const value = given[name];
    const isText = name === "unit" || name === "message";
    if (isText ? typeof value === "string" : isCount(value)) checked[name] = value;
    else {
      const wanted = isText ? "a string" : "a number of at least 0";
      refuseMember(name, `${name} is ${shown(value)}; it must be ${wanted}.`);
    }
  }
  return checked;
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

const NAMES = ["done", "total", "percent", "unit", "message"];
