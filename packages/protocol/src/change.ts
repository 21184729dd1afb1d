import type { LogLevel, LogLine } from "./delta.js";
import { ProgressError } from "./error.js";
import type { Fields } from "./fields.js";
import type { Json } from "./json.js";

/** A log line before it is stored. The store numbers it. */
export type NewLogLine = Omit<LogLine, "n" | "version">;

/** One write: the fields that it sets and the lines that it appends. */
export interface Change {
  readonly set: Fields;
  readonly log: readonly NewLogLine[];
  /**
   * The attempt that the writer works on. Once a later one has begun, the store refuses the write
   * (`attempt-superseded`).
   */
  readonly attempt?: number | undefined;
  /** Renews the worker's lease for this many milliseconds from now, by the store's clock. `0` gives it up. */
  readonly leaseMs?: number | undefined;
}

/** Whether readers can see a change. One that only renews the lease is invisible and raises no version. */
export function isVisible(change: Change): boolean {
  return change.log.length > 0 || Object.keys(change.set).length > 0;
}

/** Merges two changes in a row into one: the last write wins per field, and the lines follow each other. */
export function mergeChanges(earlier: Change, later: Change): Change {
  return {
    ...earlier,
    ...later,
    set: { ...earlier.set, ...later.set },
    log: [...earlier.log, ...later.log],
  };
}

/** `[A-Za-z0-9_-]{1,128}` (P2). */
export const JOB_ID: RegExp = /^[A-Za-z0-9_-]{1,128}$/;

/** The pattern of step ids and metadata keys (P2). */
export const NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const encoder = new TextEncoder();
const LEVELS: ReadonlySet<unknown> = new Set<LogLevel>(["info", "warn", "error"]);
const TOP_LEVEL_FIELDS: ReadonlySet<string> = new Set([
  "kind",
  "status",
  "attempt",
  "step",
  "message",
  "percent",
  "plan",
  "result",
  "error",
  "cancelRequested",
  "createdAt",
  "startedAt",
  "updatedAt",
  "finishedAt",
  "stale",
]);
const NESTED_FIELD = /^(?:steps|metadata)\.[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** The most bytes of JSON that one change may take. */
export const MAX_CHANGE_BYTES: number = 256 * 1024;

/**
 * Checks a change before it is stored: field names, log lines, values that JSON can represent, and its size.
 *
 * @returns the bytes of JSON that it takes.
 * @throws {@link ProgressError} `invalid-change` or `too-large`, naming the field.
 */
export function checkChange(change: Pick<Change, "set" | "log">): number {
  let bytes = 0;
  for (const [field, value] of Object.entries(change.set)) {
    if (!TOP_LEVEL_FIELDS.has(field) && !NESTED_FIELD.test(field)) {
      throw new ProgressError("invalid-change", {
        message:
          `There is no field ${JSON.stringify(field)}. Use a top-level field of the job's state, "steps.<id>" or ` +
          '"metadata.<key>", where ids and keys have 1 to 64 letters, digits, "_" and "-".',
        details: { field },
      });
    }
    bytes += jsonBytes(field, value);
  }
  for (const line of change.log) {
    if (!LEVELS.has(line.level) || typeof line.text !== "string" || !Number.isFinite(line.at)) {
      throw new ProgressError("invalid-change", {
        message:
          'A log line needs a level of "info", "warn" or "error", a text and a time, ' +
          `but it is ${String(JSON.stringify(line)).slice(0, 200)}.`,
      });
    }
    bytes += jsonBytes("log", line as unknown as Json);
  }
  if (bytes > MAX_CHANGE_BYTES) {
    throw new ProgressError("too-large", {
      message:
        `The change takes ${bytes} bytes, more than the limit of ${MAX_CHANGE_BYTES}. ` +
        "Store the data elsewhere and report its URL.",
      details: { bytes, maxBytes: MAX_CHANGE_BYTES },
    });
  }
  return bytes;
}

function jsonBytes(field: string, value: Json): number {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, refuseNonFinite);
  } catch (cause) {
    throw new ProgressError("invalid-change", {
      message: `The value of "${field}" can't be written as JSON. Use JSON values, and null for unknown numbers.`,
      cause,
      details: { field },
    });
  }
  if (text === undefined) {
    throw new ProgressError("invalid-change", {
      message: `The value of "${field}" is ${typeof value}, which JSON can't represent. Use null for no value.`,
      details: { field },
    });
  }
  return encoder.encode(text).length + field.length;
}

/**
 * `JSON.stringify` writes NaN and the infinities as null. Without this check a percent of 0/0 would pass as unknown.
 */
function refuseNonFinite(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new RangeError(`${value} is not a JSON number`);
  return value;
}
