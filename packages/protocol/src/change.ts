import type { Cursor } from "./cursor.js";
import type { LogLevel, LogLine } from "./delta.js";
import { ProgressError } from "./error.js";
import type { Fields } from "./fields.js";
import type { Json } from "./json.js";
import { type CheckedValue, checkedValue, tooLarge } from "./values.js";

/** A log line before it is stored. The store numbers it. */
export type NewLogLine = Omit<LogLine, "n" | "version">;

/** One write: the fields that it sets and the lines that it appends. */
export interface Change {
  readonly set: Fields;
  readonly log: readonly NewLogLine[];
  /**
   * Lines that were dropped before `log`, because they could not be written in time. The store skips as many numbers,
   * so that the loss is a gap in `n` (P9). Only for a change with lines. @defaultValue `0`
   */
  readonly lostLines?: number | undefined;
  /** The writer's hold on the job. Absent for a write by code that does not work on the job. */
  readonly hold?: HoldWrite | undefined;
  /** Renews the worker's lease for this many milliseconds from now, by the store's clock. `0` gives it up. */
  readonly leaseMs?: number | undefined;
}

/**
 * One write of the worker that holds a job. The store refuses the writes of any other worker, and changes nothing for a
 * write that it has seen before: one that arrives late, twice or after its retry does no harm.
 */
export interface HoldWrite {
  /** Random, and made anew each time a job is opened. Never sent to readers. */
  readonly token: string;
  /** Counts the writes of this hold, from 1. A retry of a write has the same count. */
  readonly count: number;
  /**
   * Present in the first write, which begins the hold. That write sets a field, so that it has a version of its own.
   */
  readonly opens?: HoldOpening | undefined;
}

/** How a hold begins. */
export interface HoldOpening {
  /** The cursor at which the worker read the job. A hold that began later is never taken over. */
  readonly seen: Cursor;
  /** Whether to take the job from a worker whose lease is still valid. */
  readonly takeOver: boolean;
}

/** Whether readers can see a change. One that only renews the lease is invisible and raises no version. */
export function isVisible(change: Change): boolean {
  return change.log.length > 0 || Object.keys(change.set).length > 0;
}

/** A change that waits to be sent. Only its owner adds to it. */
export interface OpenChange {
  readonly set: Record<string, Json>;
  readonly log: NewLogLine[];
  lostLines?: number | undefined;
}

/**
 * Adds the change that follows: the last write wins per field, and the lines follow each other. It works in place,
 * because a worker may report a million times before a change is sent.
 */
export function addToChange(change: OpenChange, next: Change): void {
  Object.assign(change.set, next.set);
  change.log.push(...next.log);
  change.lostLines = (change.lostLines ?? 0) + (next.lostLines ?? 0);
}

/** `[A-Za-z0-9_-]{1,128}` (P2). */
export const JOB_ID: RegExp = /^[A-Za-z0-9_-]{1,128}$/;

/** The pattern of step ids and metadata keys (P2). */
export const NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const LEVELS: ReadonlySet<unknown> = new Set<LogLevel>(["info", "warn", "error"]);
const TOP_LEVEL_FIELDS: ReadonlySet<string> = new Set([
  "kind",
  "size",
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

/** The most bytes of JSON that one log line may take, with its data. */
export const MAX_LINE_BYTES: number = 32 * 1024;

/** The most bytes of JSON that the fields of one job may take. */
export const MAX_JOB_BYTES: number = 1024 * 1024;

/** The most fields that one job may have: the top-level ones, its steps and its metadata. */
export const MAX_JOB_FIELDS = 1_000;

/** A change that was checked and copied. */
export interface CheckedChange {
  readonly set: Fields;
  readonly log: readonly NewLogLine[];
  /** The bytes of JSON that it takes. */
  readonly bytes: number;
}

/**
 * Checks and copies a change before it is stored: field names, log lines, values, and their size.
 *
 * @throws {@link ProgressError} `invalid-change` or `too-large`, naming the field.
 */
export function checkedChange(change: Pick<Change, "set" | "log">): CheckedChange {
  const set: Record<string, Json> = {};
  let bytes = 0;
  for (const [field, value] of Object.entries(change.set)) {
    const checked = checkedField(field, value);
    set[field] = checked.value;
    bytes += checked.bytes;
  }
  const log = change.log.map((line) => {
    const checked = checkedLine(line);
    bytes += checked.bytes;
    return checked.value as unknown as NewLogLine;
  });
  if (bytes > MAX_CHANGE_BYTES) throw tooLarge("The change", MAX_CHANGE_BYTES);
  return { set, log, bytes };
}

/**
 * Checks the name and the value of one field.
 *
 * @returns a copy of the value, and the bytes that the field takes.
 * @throws {@link ProgressError} `invalid-change` or `too-large`
 */
export function checkedField(field: string, value: unknown): CheckedValue {
  if (!TOP_LEVEL_FIELDS.has(field) && !NESTED_FIELD.test(field)) throw unknownField(field);
  const checked = checkedValue(value, field, MAX_CHANGE_BYTES);
  return { value: checked.value, bytes: checked.bytes + field.length + 4 };
}

/**
 * Checks one log line.
 *
 * @throws {@link ProgressError} `invalid-change` or `too-large`
 */
export function checkedLine(line: NewLogLine): CheckedValue {
  // A line of untyped code may be anything.
  if (
    line === null ||
    typeof line !== "object" ||
    !LEVELS.has(line.level) ||
    typeof line.text !== "string" ||
    !Number.isFinite(line.at)
  )
    throw new ProgressError("invalid-change", {
      message: 'A log line needs a level of "info", "warn" or "error", a text and a time.',
      details: { name: "log" },
    });
  return checkedValue(line, "log", MAX_LINE_BYTES);
}

function unknownField(field: string): ProgressError {
  return new ProgressError("invalid-change", {
    message:
      `There is no field ${JSON.stringify(field.slice(0, 200))}. Use a top-level field of the job's state, ` +
      '"steps.<id>" or "metadata.<key>", where ids and keys have 1 to 64 letters, digits, "_" and "-".',
    details: { field: field.slice(0, 200) },
  });
}
