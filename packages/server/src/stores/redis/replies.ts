import type { Cursor, Delta, Json, LogLine, NewLogLine } from "@emlinh/progress-protocol";
import { attemptSuperseded, jobExpired, jobFinished, jobNotFound } from "../../shared/errors.js";
import { textOf } from "./client.js";

/** The cursor in a reply of WRITE_JOB. @throws ProgressError if the script refused the write. */
export function writtenCursor(jobId: string, reply: unknown): Cursor {
  if (!Array.isArray(reply)) return textOf(reply);
  const [refusal, ...details] = reply as readonly unknown[];
  switch (textOf(refusal)) {
    case "unknown":
      throw jobNotFound(jobId);
    case "removed":
      throw jobExpired(jobId);
    case "ended":
      throw jobFinished(jobId, String(versioned(details[0]).value));
    case "superseded":
      throw attemptSuperseded(jobId, Number(details[0]), Number(details[1]));
    default:
      throw new Error(`The script WRITE_JOB returned an unknown refusal: ${textOf(refusal)}.`);
  }
}

/** The delta in a reply of READ_JOB, `undefined` for an unknown job. @throws ProgressError `job-expired` */
export function readDelta(jobId: string, reply: unknown): Delta | undefined {
  if (!Array.isArray(reply)) return emptyDelta(reply, false);
  const [kind, cursor, reset, updatedAt, fields, lineCount, log, done] = reply;
  switch (textOf(kind)) {
    case "unknown":
      return undefined;
    case "removed":
      throw jobExpired(jobId);
    case "done":
      return emptyDelta(cursor, true);
    default:
      return {
        cursor: textOf(cursor),
        reset: Number(reset) === 1,
        set: { ...fieldsOf(fields), updatedAt: Number(updatedAt) },
        log: linesOf(log, Number(lineCount)),
        done: Number(done) === 1,
      };
  }
}

/** The delta for a reader that has the newest version. */
function emptyDelta(cursor: unknown, done: boolean): Delta {
  return { cursor: textOf(cursor), reset: false, set: {}, log: [], done };
}

function fieldsOf(namesAndValues: readonly unknown[]): Record<string, Json> {
  const fields: Record<string, Json> = {};
  for (let at = 0; at < namesAndValues.length; at += 2)
    fields[textOf(namesAndValues[at])] = versioned(namesAndValues[at + 1]).value;
  return fields;
}

/** Lines are stored without their numbers. The number of the last one is the count of all lines. */
function linesOf(texts: readonly unknown[], lineCount: number): LogLine[] {
  return texts.map((text, index) => {
    const { version, value } = versioned(text);
    const line = value as unknown as NewLogLine;
    return { ...line, n: lineCount - texts.length + 1 + index, version };
  });
}

/** Splits a stored field or line: "<version> <JSON>". */
function versioned(stored: unknown): { readonly version: number; readonly value: Json } {
  const text = textOf(stored);
  const space = text.indexOf(" ");
  return { version: Number(text.slice(0, space)), value: JSON.parse(text.slice(space + 1)) };
}
