import { JOB_ID, ProgressError } from "@emlinh/progress-protocol";
import type { RequestFacts } from "./types.js";

/** The id of a job in a path or a query. @throws ProgressError `invalid-request` */
export function jobIdOf(text: string): string {
  if (JOB_ID.test(text)) return text;
  const rule = 'it must be 1 to 128 letters, digits, "_" and "-"';
  throw malformed(`The job id is ${quoted(text)}; ${rule}.`);
}

/** The milliseconds for which an answer may be held; 0 for an answer at once (P24). @throws as `jobIdOf` does. */
export function waitOf({ query }: RequestFacts): number {
  const wait = query.get("wait") ?? "0";
  if (/^\d{1,9}(\.\d{1,9})?$/.test(wait)) return Number(wait) * 1000;
  throw malformed(`The query parameter "wait" is ${quoted(wait)}; it must be a number of seconds.`);
}

/** The error for a request that is malformed. Its message is sent to the client. */
export function malformed(message: string, cause?: unknown): ProgressError {
  return new ProgressError("invalid-request", { message, status: 400, cause });
}

const MAX_QUOTED_LENGTH = 200;

/** Text of a request as a refusal quotes it (P42): bounded, on one line, and of printable ASCII. */
export function quoted(text: string): string {
  const cut = text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}...` : text;
  return JSON.stringify(cut).replace(/[^ -~]/g, "?");
}
