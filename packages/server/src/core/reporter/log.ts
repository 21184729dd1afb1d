import type { JobTypes, Json, LogLevel } from "@emlinh/progress-protocol";
import { cutText } from "../../shared/limits.js";
import { type Refuse, readMembers, shown } from "../../shared/untyped.js";
import { recordLine, refuseValue, timeOfReport, type WorkerState } from "./worker-state.js";

/**
 * Appends a line to the job's log.
 *
 * @param text - From untyped code it may be anything. So may the options.
 */
export function log(worker: WorkerState<JobTypes>, text: unknown, options: unknown): void {
  const refuse: Refuse = (...fault) => refuseValue(worker, ...fault);
  if (!isPrintable(text)) {
    // The message of an error may hold a path, a query or a key.
    const remedy =
      text instanceof Error
        ? "Pass its message if readers may see it."
        : "Pass a text, and the value as the option data.";
    const fault = `log was called with ${shown(text)} as its text.`;
    refuse("log text", `${fault} ${remedy}`, text instanceof Error ? text : undefined);
    return;
  }
  const { level, data } = logOptions(options ?? {}, refuse);
  const line = { at: timeOfReport(worker), level, text: cutText(String(text)) };
  recordLine(worker, data === undefined ? line : { ...line, data });
}

function isPrintable(text: unknown): text is string | number | boolean | bigint {
  return ["string", "number", "boolean", "bigint"].includes(typeof text);
}

function logOptions(
  options: unknown,
  refuse: Refuse,
): { readonly level: LogLevel; readonly data: Json | undefined } {
  const wanted = { method: "log", names: ["level", "data"], refuse };
  const { level = "info", data } = readMembers(options, wanted);
  if (isLogLevel(level)) return { level, data: data as Json | undefined };
  const levels = '"info", "warn" or "error"';
  refuse("log level", `The level of a line is ${shown(level)}; it must be ${levels}.`);
  return { level: "info", data: data as Json | undefined };
}

function isLogLevel(level: unknown): level is LogLevel {
  return level === "info" || level === "warn" || level === "error";
}
