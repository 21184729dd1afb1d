import { parseCursor } from "./cursor.js";
import type { Delta, LogLine } from "./delta.js";
import type { Fields } from "./fields.js";
import { isTerminal } from "./state.js";

/**
 * Reads a delta from parsed JSON and checks every part of it that this library relies on. Unknown members and fields
 * are kept or ignored, never refused (P7).
 *
 * @returns `undefined` if the value is not a delta, or a known field has a value of the wrong type.
 */
export function decodeDelta(data: unknown): Delta | undefined {
  if (!isObject(data)) return undefined;
  const { cursor, reset = false, set, log = [], done = false } = data;
  if (typeof reset !== "boolean" || typeof done !== "boolean") return undefined;
  if (typeof cursor !== "string" || parseCursor(cursor) === undefined) return undefined;
  if (!isObject(set) || !Object.entries(set).every(([field, value]) => isField(field, value)))
    return undefined;
  if (!Array.isArray(log) || !log.every(isLogLine)) return undefined;
  return {
    cursor,
    reset,
    set: set as Fields,
    log,
    // A server that leaves `done` out has still said that the job ended.
    done: done || isTerminal(set.status),
  };
}

type Check = (value: unknown) => boolean;

const isString: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => typeof value === "number";
const isBoolean: Check = (value) => typeof value === "boolean";
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isFrom =
  (least: number): Check =>
  (value) =>
    typeof value === "number" && value >= least && value < Number.POSITIVE_INFINITY;

/** The fields that readers rely on, by name (P4). */
const FIELDS: ReadonlyMap<string, Check> = new Map<string, Check>(
  Object.entries({
    kind: isString,
    status: (status) => status === "queued" || status === "running" || isTerminal(status),
    attempt: isNumber,
    step: orNull(isString),
    message: orNull(isString),
    percent: orNull(isNumber),
    plan: (plan) => Array.isArray(plan) && plan.every(isPlanStep),
    error: orNull((error) => isObject(error) && isString(error.code) && isString(error.message)),
    cancelRequested: isBoolean,
    createdAt: isNumber,
    startedAt: orNull(isNumber),
    updatedAt: isNumber,
    finishedAt: orNull(isNumber),
    stale: isBoolean,
  }),
);

function isField(field: string, value: unknown): boolean {
  if (field.startsWith("steps.")) return value === null || isStep(value);
  return FIELDS.get(field)?.(value) ?? true;
}

function isPlanStep(step: unknown): boolean {
  return (
    isObject(step) &&
    isString(step.id) &&
    isString(step.title) &&
    isNumber(step.weight) &&
    optional(isFrom(1))(step.expectedMs) &&
    optional(isFrom(1))(step.spread)
  );
}

function isStep(step: unknown): boolean {
  return (
    isObject(step) &&
    isString(step.status) &&
    orNull(isNumber)(step.percent) &&
    optional(isNumber)(step.startedAt) &&
    optional(isNumber)(step.finishedAt)
  );
}

function isLogLine(line: unknown): line is LogLine {
  return (
    isObject(line) &&
    Number.isSafeInteger(line.n) &&
    Number.isSafeInteger(line.version) &&
    isNumber(line.at) &&
    isString(line.level) &&
    isString(line.text)
  );
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
