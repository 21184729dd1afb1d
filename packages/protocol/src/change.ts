import type { LogLevel, LogLine } from "./delta.js";
import { ProgressError } from "./error.js";
import type { Fields } from "./fields.js";
import type { Json } from "./json.js";

/** A line on its way to the store, which numbers it. */
export type NewLogLine = Omit<LogLine, "n" | "version">;

/** What a reporter writes at once: the fields that it sets and the lines that it appends. */
export interface Change {
  readonly set: Fields;
  readonly log: readonly NewLogLine[];
  /** The attempt that the writer works on; the store refuses it once a later one has begun (`attempt-superseded`). */
  readonly attempt?: number | undefined;
  /** Renews the worker's lease for so many milliseconds from now, by the store's clock. `0` gives it up. */
  readonly leaseMs?: number | undefined;
}

/** Whether a change would alter what readers see. One that only renews the lease does not, and raises no version. */
export function isVisible(change: Change): boolean {
  return change.log.length > 0 || Object.keys(change.set).length > 0;
}

/** Two changes in a row as one, by the rule that merges deltas: last write wins per field, lines follow each other. */
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

/** What a step id and a metadata key look like (P2). */
export const NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const encoder = new TextEncoder();
const LEVELS: ReadonlySet<unknown> = new Set<LogLevel>(["info", "warn", "error"]);
const FIELD =
  /^(?:kind|status|attempt|step|message|percent|plan|result|error|cancelRequested|createdAt|startedAt|updatedAt|finishedAt|stale|(?:steps|metadata)\.[A-Za-z0-9][A-Za-z0-9_-]{0,63})$/;

/** The most bytes of JSON that one change may hold. */
export const MAX_CHANGE_BYTES: number = 256 * 1024;

/**
 * Refuses a change that no store may take: an unknown field, a line that isn't one, a value that JSON can't carry, too many bytes.
 *
 * @returns the bytes of JSON that it holds.
 * @throws {@link ProgressError} `invalid-change` or `too-large`, naming the field.
 */
export function checkChange(change: Pick<Change, "set" | "log">): number {
  let bytes = 0;
  for (const [field, value] of Object.entries(change.set)) {
    if (!FIELD.test(field)) {
      throw new ProgressError("invalid-change", {
        message: `There is no field ${JSON.stringify(field)}: use a top-level name of the job's state, "steps.<id>" or "metadata.<key>", with ids of letters, digits, "_" and "-".`,
        details: { field },
      });
    }
    bytes += jsonBytes(field, value);
  }
  for (const line of change.log) {
    if (!LEVELS.has(line.level) || typeof line.text !== "string" || !Number.isFinite(line.at)) {
      throw new ProgressError("invalid-change", {
        message: `A log line needs a level of "info", "warn" or "error", a text and a time; it was ${String(JSON.stringify(line)).slice(0, 200)}.`,
      });
    }
    bytes += jsonBytes("log", line as unknown as Json);
  }
  if (bytes > MAX_CHANGE_BYTES) {
    throw new ProgressError("too-large", {
      message: `A change of ${bytes} bytes is over the limit of ${MAX_CHANGE_BYTES}: store the data elsewhere and report its address.`,
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
      message: `The value of "${field}" can't be written as JSON.`,
      cause,
      details: { field },
    });
  }
  if (text === undefined) {
    throw new ProgressError("invalid-change", {
      message: `The value of "${field}" is ${typeof value}, which JSON can't carry: use null for nothing.`,
      details: { field },
    });
  }
  return encoder.encode(text).length + field.length;
}

/** JSON writes NaN and the infinities as null without a word: a percent of 0/0 would pass as unknown. */
function refuseNonFinite(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new RangeError(`${value} is not a JSON number`);
  return value;
}
