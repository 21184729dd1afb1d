import {
  type Fields,
  type Json,
  NAME,
  type StepState,
  type StepStatus,
} from "@emlinh/progress-protocol";
import { cutText } from "../../shared/limits.js";
import { type Refuse, readMembers, shown } from "../../shared/untyped.js";
import { percentOfUnits, raisePercent } from "../percent.js";

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

/**
 * Reports on one step. Its methods neither throw nor wait. After the step's end they do nothing.
 *
 * If the same step is begun twice at once, both share it: it ends when both have ended it, as `failed` if one of them
 * failed.
 */
export interface StepReporter<StepId extends string = string> {
  readonly id: StepId;
  /** The signal of the job's reporter. */
  readonly signal: AbortSignal;
  update(update: StepUpdate): void;
  complete(): void;
  /** @param message - For readers. Anything but a string, such as a caught error, is not shown to them. */
  fail(message?: unknown): void;
  /** Ends the step as `skipped`: there was nothing to do. It counts as done. */
  skip(): void;
}

/** The reporter, as its steps use it. */
export interface StepHost {
  readonly signal: AbortSignal;
  /** The users of each step that is running. */
  readonly stepUsers: Map<string, StepUsers>;
  /** The time for a report, by the store's clock. */
  now(): number;
  /** The state of a step as the worker knows it. */
  known(id: string): StepState | undefined;
  /** Whether the plan has this step. True for every step if there is no plan. */
  isPlanned(id: string): boolean;
  /** Runs a report. Its error is passed to `onError`. */
  guard(report: () => void): void;
  /** Writes fields: at once if `isUrgent`, else together with others. */
  record(set: Fields, isUrgent: boolean): void;
  readonly refuse: Refuse;
}

/** Those who have begun one step and not ended it, and how the others ended it. */
export interface StepUsers {
  count: number;
  outcome: StepStatus;
  message: string | undefined;
}

/** Begins a step. A step that is completed or skipped stays so (P13): a second run of it reports nothing. */
export function beginStep(host: StepHost, id: string): StepReporter {
  let isOpen = false;
  host.guard(() => {
    isOpen = enter(host, id);
  });

  function end(outcome: StepStatus, message?: string): void {
    if (!isOpen) return;
    isOpen = false;
    host.guard(() => leave(host, id, outcome, message));
  }

  return {
    id,
    signal: host.signal,
    update(update) {
      if (isOpen) host.guard(() => updateStep(host, id, update));
    },
    complete: () => end("completed"),
    fail: (message) => end("failed", typeof message === "string" ? cutText(message) : undefined),
    skip: () => end("skipped"),
  };
}

/** Marks a step as skipped, because there is nothing to do. A step that is completed stays so. */
export function skipStep(host: StepHost, id: string): void {
  if (!isUsable(host, id)) return;
  const before = host.known(id);
  if (isFinal(before)) return;
  write(host, id, { ...before, status: "skipped", finishedAt: host.now() }, true);
}

/** @returns whether the step takes reports. */
function enter(host: StepHost, id: string): boolean {
  if (!isUsable(host, id)) return false;
  const before = host.known(id);
  if (isFinal(before)) return false;
  const users = host.stepUsers.get(id) ?? { count: 0, outcome: "skipped", message: undefined };
  users.count += 1;
  host.stepUsers.set(id, users);
  // It runs for another user already, unless that one's beginning was not accepted.
  if (users.count > 1 && before?.status === "running") return true;
  const percent = before?.percent ?? null;
  const begun: StepState = { status: "running", percent, startedAt: host.now() };
  host.record({ step: id, [stepField(id)]: begun as unknown as Json }, true);
  return true;
}

function leave(host: StepHost, id: string, outcome: StepStatus, message: string | undefined): void {
  const users = host.stepUsers.get(id);
  if (users === undefined) return;
  users.count -= 1;
  users.outcome = worse(users.outcome, outcome);
  users.message ??= message;
  if (users.count > 0) return;
  host.stepUsers.delete(id);
  const before = host.known(id);
  if (before?.status !== "running") return;
  write(host, id, ended(before, users, host.now()), true);
}

function ended(before: StepState, { outcome, message }: StepUsers, finishedAt: number): StepState {
  return {
    ...before,
    status: outcome,
    finishedAt,
    ...(outcome === "completed" && { percent: 100 }),
    ...(outcome === "completed" && before.total !== undefined && { done: before.total }),
    ...(message !== undefined && { message }),
  };
}

const BY_SEVERITY: readonly StepStatus[] = ["skipped", "completed", "failed"];

function worse(one: StepStatus, other: StepStatus): StepStatus {
  return BY_SEVERITY.indexOf(one) > BY_SEVERITY.indexOf(other) ? one : other;
}

function updateStep(host: StepHost, id: string, update: unknown): void {
  const before = host.known(id);
  if (before?.status !== "running") return;
  const { percent, message, ...units } = checkedUpdate(host, id, update);
  const next = { ...before, ...units, ...(message !== undefined && { message: cutText(message) }) };
  const reported = percent ?? percentOfUnits(next.done, next.total);
  write(host, id, { ...next, percent: reported ?? null }, false);
}

/** Writes a step. Only this function changes a step that has begun, and it never lowers the percent (P13). */
function write(host: StepHost, id: string, next: Partial<StepState>, isUrgent: boolean): void {
  const percent = raisePercent(host.known(id)?.percent, next.percent);
  host.record({ [stepField(id)]: { ...next, percent } as Json }, isUrgent);
}

function isFinal(step: StepState | undefined): boolean {
  return step?.status === "completed" || step?.status === "skipped";
}

function isUsable(host: StepHost, id: unknown): boolean {
  if (typeof id !== "string" || !NAME.test(id)) {
    const wanted = '1 to 64 letters, digits, "_" and "-"';
    host.refuse("step id", `The id of a step is ${shown(id)}; it must be ${wanted}.`);
    return false;
  }
  if (!host.isPlanned(id)) {
    const fault = `The plan has no step "${id}", so the step does not count for the percent.`;
    host.refuse(`step ${id}`, `${fault} Add it to the plan, or correct the id.`);
  }
  return true;
}

type CheckedUpdate = { -readonly [Name in keyof StepUpdate]?: NonNullable<StepUpdate[Name]> };

/** The members of an update that can be stored. The others, of untyped code or a division by zero, are refused. */
function checkedUpdate(host: StepHost, id: string, update: unknown): CheckedUpdate {
  const refuse: Refuse = (kind, message, cause) =>
    host.refuse(`step ${kind}`, `Step "${id}": ${message}`, cause);
  const names = [...NUMBERS, ...TEXTS];
  const given = readMembers(update, { method: "update", names, refuse });
  const checked: Record<string, unknown> = {};
  for (const name of NUMBERS) {
    const value = given[name];
    if (value === undefined) continue;
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) checked[name] = value;
    else refuse(name, `${name} is ${shown(value)}; it must be a number of at least 0.`);
  }
  for (const name of TEXTS) {
    const value = given[name];
    if (value === undefined) continue;
    if (typeof value === "string") checked[name] = value;
    else refuse(name, `${name} is ${shown(value)}; it must be a string.`);
  }
  return checked;
}

const NUMBERS = ["done", "total", "percent"] as const;
const TEXTS = ["unit", "message"] as const;

/** The name of the field that holds a step. */
export function stepField(id: string): string {
  return `steps.${id}`;
}
