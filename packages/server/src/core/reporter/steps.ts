import type { Fields, Json, StepState, StepStatus } from "@emlinh/progress-protocol";
import type { Refuse } from "../../shared/untyped.js";
import {
  begunStep,
  checkedStepUpdate,
  checkStepId,
  endedStep,
  isFinal,
  type StepEnd,
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
  /** The state of a step as the worker knows it, by the name of its field. */
  known(field: string): StepState | undefined;
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

/** A step that takes reports. */
interface OpenStep {
  readonly id: string;
  /** The name of its field. It is not made anew for each update. */
  readonly field: string;
}

/** Begins a step. A step that is completed or skipped stays so (P13): a second run of it reports nothing. */
export function beginStep(host: StepHost, id: string): StepReporter {
  let open: OpenStep | undefined;
  host.guard(() => {
    open = enter(host, id);
  });

  function end(outcome: StepStatus, message?: string): void {
    const step = open;
    if (step === undefined) return;
    open = undefined;
    host.guard(() => leave(host, step, { outcome, message }));
  }

  return {
    id,
    signal: host.signal,
    update(update) {
      const step = open;
      if (step !== undefined) host.guard(() => updateStep(host, step, update));
    },
    complete: () => end("completed"),
    fail: (message) => end("failed", typeof message === "string" ? message : undefined),
    skip: () => end("skipped"),
  };
}

/** Marks a step as skipped, because there is nothing to do. A step that is completed stays so. */
export function skipStep(host: StepHost, id: string): void {
  if (!isUsable(host, id)) return;
  const field = stepField(id);
  const before = host.known(field);
  if (isFinal(before)) return;
  write(host, field, endedStep(before, { outcome: "skipped" }, host.now()), true);
}

/** @returns the step if it takes reports. */
function enter(host: StepHost, id: string): OpenStep | undefined {
  if (!isUsable(host, id)) return undefined;
  const field = stepField(id);
  const before = host.known(field);
  if (isFinal(before)) return undefined;
  const users = host.stepUsers.get(id) ?? { count: 0, outcome: "skipped", message: undefined };
  users.count += 1;
  host.stepUsers.set(id, users);
  // It runs for another user already, unless that one's beginning was not accepted.
  if (users.count > 1 && before?.status === "running") return { id, field };
  const begun = begunStep(before, host.now());
  host.record({ step: id, [field]: begun as unknown as Json }, true);
  return { id, field };
}

function leave(host: StepHost, { id, field }: OpenStep, { outcome, message }: StepEnd): void {
  const users = host.stepUsers.get(id);
  if (users === undefined) return;
  users.count -= 1;
  users.outcome = worse(users.outcome, outcome);
  users.message ??= message;
  if (users.count > 0) return;
  host.stepUsers.delete(id);
  const before = host.known(field);
  if (before?.status !== "running") return;
  write(host, field, endedStep(before, users, host.now()), true);
}

const BY_SEVERITY: readonly StepStatus[] = ["skipped", "completed", "failed"];

function worse(one: StepStatus, other: StepStatus): StepStatus {
  return BY_SEVERITY.indexOf(one) > BY_SEVERITY.indexOf(other) ? one : other;
}

function updateStep(host: StepHost, { id, field }: OpenStep, update: unknown): void {
  const before = host.known(field);
  if (before?.status !== "running") return;
  write(host, field, updatedStep(before, checkedStepUpdate(id, update, host.refuse)), false);
}

function write(host: StepHost, field: string, next: StepState, isUrgent: boolean): void {
  host.record({ [field]: next as unknown as Json }, isUrgent);
}

function isUsable(host: StepHost, id: unknown): boolean {
  return checkStepId(id, host.isPlanned, host.refuse);
}
