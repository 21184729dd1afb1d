import type { Fields, Json, StepState, StepStatus } from "@emlinh/progress-protocol";
import type { Refuse } from "../../shared/untyped.js";
import { raisePercent } from "../percent.js";
import {
  begunStep,
  checkedStepUpdate,
  checkStepId,
  endedStep,
  isFinal,
  type StepUpdate,
  stepField,
  updatedStep,
} from "../step-state.js";

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
    fail: (message) => end("failed", typeof message === "string" ? message : undefined),
    skip: () => end("skipped"),
  };
}

/** Marks a step as skipped, because there is nothing to do. A step that is completed stays so. */
export function skipStep(host: StepHost, id: string): void {
  if (!isUsable(host, id)) return;
  const before = host.known(id);
  if (isFinal(before)) return;
  write(host, id, endedStep(before, { outcome: "skipped" }, host.now()), true);
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
  const begun = begunStep(before, host.now());
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
  write(host, id, endedStep(before, users, host.now()), true);
}

const BY_SEVERITY: readonly StepStatus[] = ["skipped", "completed", "failed"];

function worse(one: StepStatus, other: StepStatus): StepStatus {
  return BY_SEVERITY.indexOf(one) > BY_SEVERITY.indexOf(other) ? one : other;
}

function updateStep(host: StepHost, id: string, update: unknown): void {
  const before = host.known(id);
  if (before?.status !== "running") return;
  write(host, id, updatedStep(before, checkedStepUpdate(id, update, host.refuse)), false);
}

/** Writes a step. Only this function changes a step that has begun, and it never lowers the percent (P13). */
function write(host: StepHost, id: string, next: StepState, isUrgent: boolean): void {
  const percent = raisePercent(host.known(id)?.percent, next.percent);
  host.record({ [stepField(id)]: { ...next, percent } as unknown as Json }, isUrgent);
}

function isUsable(host: StepHost, id: unknown): boolean {
  return checkStepId(id, host.isPlanned, host.refuse);
}
