import type { Json, LogLine } from "@emlinh/progress-protocol";
import type { StoredDelta, Written } from "../../core/store.js";
import {
  attemptSuperseded,
  holdLost,
  jobExpired,
  jobFinished,
  jobHeld,
  jobNotFound,
} from "../../shared/errors.js";
import { textOf } from "./client.js";

/** The result in a reply of WRITE_JOB. @throws ProgressError if the script refused the write. */
export function readWritten(jobId: string, reply: unknown): Written {
  if (!Array.isArray(reply)) {
    const [cursor = "", now] = textOf(reply).split(" ");
    return { cursor, now: Number(now) };
  }
  const [refusal, ...details] = reply as readonly unknown[];
  switch (textOf(refusal)) {
    case "unknown":
      throw jobNotFound(jobId);
    case "removed":
      throw jobExpired(jobId);
    case "ended":
      throw jobFinished(jobId, String(storedValue(details[0])));
    case "superseded":
      throw attemptSuperseded(jobId, Number(details[0]), Number(details[1]));
    case "held":
      throw jobHeld(jobId);
    case "lost":
      throw holdLost(jobId);
    default:
      throw new Error(`The script WRITE_JOB returned an unknown refusal: ${textOf(refusal)}.`);
  }
}

/** The delta in a reply of READ_JOB, `undefined` for an unknown job. @throws ProgressError `job-expired` */
export function readDelta(jobId: string, reply: unknown): StoredDelta | undefined {
  const [kind, cursor, now, reset, updatedAt, fields, log, done] = reply as readonly unknown[];
  const outcome = textOf(kind);
  if (outcome === "unknown") return undefined;
  if (outcome === "removed") throw jobExpired(jobId);
  const at = { cursor: textOf(cursor), now: Number(now) };
  if (outcome !== "delta")
    return { ...at, reset: false, set: {}, log: [], done: outcome === "done" };
  return {
    ...at,
    reset: Number(reset) === 1,
    set: { ...fieldsOf(fields as readonly unknown[]), updatedAt: Number(updatedAt) },
    log: (log as readonly unknown[]).map(lineOf),
    done: Number(done) === 1,
  };
}

function fieldsOf(namesAndValues: readonly unknown[]): Record<string, Json> {
  const fields: Record<string, Json> = {};
  for (let at = 0; at < namesAndValues.length; at += 2)
    fields[textOf(namesAndValues[at])] = storedValue(namesAndValues[at + 1]);
  return fields;
}

/** The value of a stored field: "<version> <JSON>". */
function storedValue(stored: unknown): Json {
  const text = textOf(stored);
  return JSON.parse(text.slice(text.indexOf(" ") + 1));
}

/** A stored line: "<version> <n> <JSON>". */
function lineOf(stored: unknown): LogLine {
  const text = textOf(stored);
  const [version, n] = text.split(" ", 2);
  const json = text.slice(`${version} ${n} `.length);
  return { ...JSON.parse(json), n: Number(n), version: Number(version) };
}
