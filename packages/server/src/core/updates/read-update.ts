import {
  type Cursor,
  type Json,
  type LogLevel,
  NAME,
  ProgressError,
  parseCursor,
} from "@emlinh/progress-protocol";
import { cutText } from "../../shared/limits.js";
import { listed, unknownMember } from "../../shared/member-names.js";
import { isRecord, shown } from "../../shared/untyped.js";

/** One report of a worker over HTTP, after its form was checked (P54). The members of fields and steps were not. */
export interface WorkerUpdate {
  readonly hold: { readonly token: string; readonly count: number };
  readonly open: UpdateOpening | undefined;
  /** `message`, `percent` and `metadata`. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly steps: readonly StepReport[];
  readonly log: readonly LineReport[];
  readonly lostLines: number;
  readonly leaseMs: number | undefined;
  readonly last: LastReport | undefined;
}

/** How the first request of a worker opens the job. */
export interface UpdateOpening {
  readonly attempt: "next" | undefined;
  readonly takeOver: boolean;
  /** The cursor at which the worker read the job. */
  readonly seen: Cursor | undefined;
}

/** The report of one step. */
export interface StepReport {
  readonly id: string;
  readonly status: "running" | "completed" | "failed" | "skipped" | undefined;
  /** The members of a `StepUpdate`, which were not checked. */
  readonly update: Readonly<Record<string, unknown>>;
}

/** One log line. */
export interface LineReport {
  readonly text: string;
  readonly level: LogLevel;
  readonly data: Json | undefined;
  /** Milliseconds since the epoch, by the clock of the store. `undefined` for now. */
  readonly at: number | undefined;
}

/** The report that nothing follows: it ends the job, or gives it back to the queue. */
export type LastReport =
  | { readonly kind: "requeue"; readonly message: string | undefined }
  | {
      readonly kind: "end";
      readonly status: "completed" | "failed" | "cancelled";
      readonly result: Json;
      readonly error: EndError | undefined;
      readonly message: string | undefined;
    };

interface EndError {
  readonly code: string;
  readonly message: string;
  readonly step?: string;
}

/** The shortest and the longest lease that a worker may ask for, in milliseconds. */
const LEASE_RANGE_MS = { least: 5_000, most: 600_000 } as const;

const TOKEN = /^[A-Za-z0-9_-]{16,64}$/;
/** A store counts two writes per request, as an exact number. */
const MAX_COUNT = 1e15;
const MAX_LOST_LINES = 1e9;
const STEP_STATUSES = ["running", "completed", "failed", "skipped"] as const;
const END_STATUSES = ["completed", "failed", "cancelled"] as const;
const LEVELS = ["info", "warn", "error"] as const;
const FIELDS = ["message", "percent", "metadata"];
const NAMES = ["hold", "open", ...FIELDS, "steps", "log", "lostLines", "leaseMs", "requeue", "end"];

/**
 * Checks the form of a report.
 *
 * @param body - The body of the request, parsed as JSON.
 * @throws ProgressError `invalid-change`, naming the member.
 */
export function readUpdate(body: unknown): WorkerUpdate {
  const { hold, open, steps, log, lostLines, leaseMs, ...rest } = members(body, "The body", NAMES);
  const { requeue, end, ...fields } = rest;
  const { token, count } = members(hold, "hold", ["token", "count"]);
  if (typeof token !== "string" || !TOKEN.test(token))
    throw fault("hold.token is not 16 to 64 letters, digits, _ and -.");
  const named = { token, count: numberOf(count, "hold.count", 1, MAX_COUNT) };
  if (open !== undefined && count !== 1)
    throw wrong("hold.count", count, "1 in the request that opens the job");
  if (requeue !== undefined && end !== undefined)
    throw fault("end and requeue exclude each other.");
  const lines = log === undefined ? [] : linesOf(log);
  if (lostLines !== undefined && lines.length === 0)
    throw fault("lostLines counts lines before those of log, and there is no log.");
  const { least, most } = LEASE_RANGE_MS;
  return {
    hold: named,
    open: open === undefined ? undefined : openingOf(open),
    fields,
    steps: steps === undefined ? [] : stepsOf(steps),
    log: lines,
    lostLines: lostLines === undefined ? 0 : numberOf(lostLines, "lostLines", 0, MAX_LOST_LINES),
    leaseMs: leaseMs === undefined ? undefined : numberOf(leaseMs, "leaseMs", least, most),
    last: requeue === undefined ? endOf(end) : requeueOf(requeue),
  };
}

function openingOf(value: unknown): UpdateOpening {
  const { attempt, takeOver, seen } = members(value, "open", ["attempt", "takeOver", "seen"]);
  if (attempt !== undefined && attempt !== "next") throw wrong("open.attempt", attempt, '"next"');
  if (takeOver !== undefined && typeof takeOver !== "boolean")
    throw wrong("open.takeOver", takeOver, "true or false");
  if (seen !== undefined && (typeof seen !== "string" || parseCursor(seen) === undefined))
    throw wrong("open.seen", seen, "a cursor");
  return { attempt, takeOver: takeOver === true, seen };
}

function stepsOf(value: unknown): readonly StepReport[] {
  return Object.entries(members(value, "steps")).map(([id, step]) => {
    const name = NAME.test(id) ? `steps.${id}` : `steps[${shown(id)}]`;
    const { status, ...update } = members(step, name);
    return { id, status: oneOf(status, `${name}.status`, STEP_STATUSES), update };
  });
}

function linesOf(value: unknown): readonly LineReport[] {
  if (!Array.isArray(value)) throw wrong("log", value, "an array of lines");
  return value.map((line: unknown, index) => {
    const name = `log[${index}]`;
    const { text, level, data, at } = members(line, name, ["text", "level", "data", "at"]);
    if (typeof text !== "string") throw wrong(`${name}.text`, text, "a string");
    if (at !== undefined && !Number.isFinite(at))
      throw wrong(`${name}.at`, at, "a number of milliseconds since the epoch");
    return {
      text: cutText(text),
      level: oneOf(level, `${name}.level`, LEVELS) ?? "info",
      data: data as Json | undefined,
      at: at as number | undefined,
    };
  });
}

function requeueOf(value: unknown): LastReport {
  const { message } = value === true ? {} : members(value, "requeue", ["message"]);
  return { kind: "requeue", message: textOf(message, "requeue.message") };
}

function endOf(value: unknown): LastReport | undefined {
  if (value === undefined) return undefined;
  const names = ["status", "result", "error", "message"];
  const { status: wanted, result, error, message } = members(value, "end", names);
  const status = oneOf(wanted, "end.status", END_STATUSES);
  if (status === undefined) throw wrong("end.status", wanted, listed(END_STATUSES));
  if (result !== undefined && status !== "completed")
    throw fault(`end.result is only for a job that is completed; end.status is "${status}".`);
  if (error !== undefined && status === "completed")
    throw fault("end.error is not for a job that is completed.");
  return {
    kind: "end",
    status,
    result: (result ?? null) as Json,
    error: error === undefined ? undefined : errorOf(error),
    message: textOf(message, "end.message"),
  };
}

function errorOf(value: unknown): EndError {
  const { code, message, step } = members(value, "end.error", ["code", "message", "step"]);
  if (typeof code !== "string") throw wrong("end.error.code", code, "a string");
  if (typeof message !== "string") throw wrong("end.error.message", message, "a string");
  const named = textOf(step, "end.error.step");
  return { code, message, ...(named !== undefined && { step: named }) };
}

/** The members of an object; one that is not known is refused. */
function members(
  value: unknown,
  name: string,
  known?: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw wrong(name, value, "an object");
  const unknown = known && unknownMember(value, known);
  if (unknown !== undefined) throw fault(`${name} has no member ${unknown}`);
  return value;
}

function numberOf(value: unknown, name: string, least: number, most: number): number {
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most)
    return Number(value);
  throw wrong(name, value, `a whole number from ${least} to ${most}`);
}

function textOf(value: unknown, name: string): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw wrong(name, value, "a string");
}

function oneOf<Name extends string>(
  value: unknown,
  name: string,
  names: readonly Name[],
): Name | undefined {
  if (value === undefined || names.some((known) => known === value)) return value as Name;
  throw wrong(name, value, listed(names));
}

function wrong(name: string, value: unknown, wanted: string): ProgressError {
  return fault(`${name} is ${shown(value)}; it must be ${wanted}.`);
}

function fault(message: string): ProgressError {
  return new ProgressError("invalid-change", { message, status: 400 });
}
