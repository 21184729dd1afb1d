import type { Fields, Json, StepState, StepStatus } from "@emlinh/progress-protocol";
import { cutText, percentOfUnits, raisePercent } from "./clamp.js";

/** What is told of a step while it runs. What is left out stays as it was. */
export interface StepUpdate {
  /** Units finished, such as frames. */
  readonly done?: number | undefined;
  /** Units in all; with `done` it gives the percent, unless that is told too. */
  readonly total?: number | undefined;
  /** What is counted: `"frames"`. */
  readonly unit?: string | undefined;
  /** 0..100. It never falls within an attempt: a lower one is taken as the last one (P13). */
  readonly percent?: number | undefined;
  /** For people; cut at 4096 characters. */
  readonly message?: string | undefined;
}

/** One step, as who works on it sees it. None of its calls throws or waits; after the step's end they do nothing. */
export interface StepReporter {
  readonly id: string;
  /** As the job's own. */
  readonly signal: AbortSignal;
  update(update: StepUpdate): void;
  complete(): void;
  fail(message?: string): void;
  /** There was nothing to do; it counts as done. */
  skip(): void;
}

/** What steps are reported to. */
export interface StepHost {
  readonly signal: AbortSignal;
  clock(): number;
  /** The state of a step in the worker's own view. */
  stepOf(id: string): StepState | undefined;
  /** Writes fields; at once if `urgent`. */
  record(set: Fields, urgent: boolean): void;
  /** Tells of a value that can't be reported. */
  refuse(message: string): void;
}

/** A step and whether it has ended. */
export interface OpenStep extends StepReporter {
  isOpen(): boolean;
}

/** Begins a step. One that is completed already stays so (P13): a second run of it reports nothing. */
export function beginStep(host: StepHost, id: string): OpenStep {
  const before = host.stepOf(id);
  const done = before?.status === "completed";
  let state: StepState = done ? before : begun(before, host.clock());
  let open = !done;
  if (open) host.record({ step: id, [fieldOf(id)]: asJson(state) }, true);

  function set(next: StepState, urgent: boolean): void {
    state = next;
    host.record({ [fieldOf(id)]: asJson(next) }, urgent);
  }

  function end(status: StepStatus, more: Partial<StepState> = {}): void {
    if (!open) return;
    open = false;
    set({ ...state, ...more, status, finishedAt: host.clock() }, true);
  }

  return {
    id,
    signal: host.signal,
    isOpen: () => open,
    update(update) {
      const wrong = wrongIn(update ?? {});
      if (wrong !== undefined) host.refuse(`Step "${id}": ${wrong}`);
      else if (open) set(updated(state, update ?? {}), false);
    },
    complete: () =>
      end("completed", {
        percent: 100,
        ...(state.total !== undefined && { done: state.total }),
      }),
    fail: (message) => end("failed", message === undefined ? {} : { message: cutText(message) }),
    skip: () => end("skipped"),
  };
}

/** Says of a step that there was nothing to do; one that is completed stays so. */
export function skipStep(host: StepHost, id: string): void {
  const before = host.stepOf(id);
  if (before?.status === "completed") return;
  const state: StepState = {
    ...before,
    status: "skipped",
    percent: before?.percent ?? null,
    finishedAt: host.clock(),
  };
  host.record({ [fieldOf(id)]: asJson(state) }, true);
}

function begun(before: StepState | undefined, now: number): StepState {
  return { status: "running", percent: before?.percent ?? null, startedAt: now };
}

function updated(state: StepState, update: StepUpdate): StepState {
  const { done = state.done, total = state.total, unit = state.unit, message } = update;
  const told = update.percent ?? percentOfUnits(done, total);
  return {
    ...state,
    percent: raisePercent(state.percent, told),
    ...(done !== undefined && { done }),
    ...(total !== undefined && { total }),
    ...(unit !== undefined && { unit }),
    ...(message !== undefined && { message: cutText(message) }),
  };
}

/** What is wrong with an update from untyped code, or from a division by zero; `undefined` if nothing is. */
function wrongIn(update: StepUpdate): string | undefined {
  for (const name of ["done", "total", "percent"] as const) {
    const value: unknown = update[name];
    if (value === undefined) continue;
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0)
      return `${name} is ${String(value)}; it must be a number from 0.`;
  }
  for (const name of ["unit", "message"] as const) {
    const value: unknown = update[name];
    if (value !== undefined && typeof value !== "string")
      return `${name} is ${String(value)}; it must be a text.`;
  }
  return undefined;
}

/** The field of a step. */
export function fieldOf(id: string): string {
  return `steps.${id}`;
}

function asJson(state: StepState): Json {
  return state as unknown as Json;
}
