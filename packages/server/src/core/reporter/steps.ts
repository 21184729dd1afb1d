import type { Fields, Json, StepState, StepStatus } from "@emlinh/progress-protocol";
import { cutText } from "../../shared/limits.js";
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

/** Reports on one step. Its methods neither throw nor wait. After the step's end they do nothing. */
export interface StepReporter {
  readonly id: string;
  /** The signal of the job's reporter. */
  readonly signal: AbortSignal;
  update(update: StepUpdate): void;
  complete(): void;
  fail(message?: string): void;
  /** Ends the step as `skipped`: there was nothing to do. It counts as done. */
  skip(): void;
}

/** The reporter, as its steps use it. */
export interface StepHost {
  readonly signal: AbortSignal;
  clock(): number;
  /** The state of a step as the worker knows it. */
  known(id: string): StepState | undefined;
  /** Writes fields: at once if `isUrgent`, else together with others. */
  record(set: Fields, isUrgent: boolean): void;
  /** Reports a value that can't be stored. */
  refuse(message: string): void;
}

/** Begins a step. A step that is completed stays so (P13): a second run of it reports nothing. */
export function beginStep(host: StepHost, id: string): StepReporter {
  const before = host.known(id);
  const done = before?.status === "completed";
  let state: StepState = done ? before : begun(before, host.clock());
  let open = !done;
  if (open) host.record({ step: id, [stepField(id)]: asJson(state) }, true);

  function set(next: StepState, isUrgent: boolean): void {
    state = next;
    host.record({ [stepField(id)]: asJson(next) }, isUrgent);
  }

  function end(status: StepStatus, more: Partial<StepState> = {}): void {
    if (!open) return;
    open = false;
    set({ ...state, ...more, status, finishedAt: host.clock() }, true);
  }

  return {
    id,
    signal: host.signal,
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

/** Marks a step as skipped, because there is nothing to do. A step that is completed stays so. */
export function skipStep(host: StepHost, id: string): void {
  const before = host.known(id);
  if (before?.status === "completed") return;
  const state: StepState = {
    ...before,
    status: "skipped",
    percent: before?.percent ?? null,
    finishedAt: host.clock(),
  };
  host.record({ [stepField(id)]: asJson(state) }, true);
}

function begun(before: StepState | undefined, now: number): StepState {
  return { status: "running", percent: before?.percent ?? null, startedAt: now };
}

function updated(state: StepState, update: StepUpdate): StepState {
  const { done = state.done, total = state.total, unit = state.unit, message } = update;
  const percent = update.percent ?? percentOfUnits(done, total);
  return {
    ...state,
    percent: raisePercent(state.percent, percent),
    ...(done !== undefined && { done }),
    ...(total !== undefined && { total }),
    ...(unit !== undefined && { unit }),
    ...(message !== undefined && { message: cutText(message) }),
  };
}

/** The fault of an update that came from untyped code or from a division by zero; `undefined` if there is none. */
function wrongIn(update: StepUpdate): string | undefined {
  for (const name of ["done", "total", "percent"] as const) {
    const value: unknown = update[name];
    if (value === undefined) continue;
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0)
      return `${name} is ${String(value)}; it must be a number of at least 0.`;
  }
  for (const name of ["unit", "message"] as const) {
    const value: unknown = update[name];
    if (value !== undefined && typeof value !== "string")
      return `${name} is ${String(value)}; it must be a string.`;
  }
  return undefined;
}

/** The name of the field that holds a step. */
export function stepField(id: string): string {
  return `steps.${id}`;
}

function asJson(state: StepState): Json {
  return state as unknown as Json;
}
