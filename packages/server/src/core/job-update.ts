import {
  type AnyJob,
  type Fields,
  type JobTypes,
  type Json,
  ProgressError,
} from "@emlinh/progress-protocol";
import { cutText } from "../shared/limits.js";
import { raisePercent } from "./percent.js";

/** An update of a job as a whole. Members that are left out keep their value. */
export interface JobUpdate<Job extends JobTypes = AnyJob> {
  /** 0..100, for a job without a plan. It never falls within an attempt (P13). */
  readonly percent?: number | undefined;
  /** For people; cut at 4096 characters. `null` for none. */
  readonly message?: string | null | undefined;
  /** Replaces the keys that it names; `null` removes a key. */
  readonly metadata?:
    | { readonly [Key in keyof Job["metadata"]]?: Job["metadata"][Key] | null }
    | undefined;
}

/**
 * The fields that an update sets.
 *
 * @param before - The job's fields so far.
 * @throws ProgressError `invalid-change`
 */
export function fieldsOfUpdate(update: JobUpdate<JobTypes>, before: Fields): Fields {
  const { percent, message, metadata } = update ?? {};
  const set: Record<string, Json> = { ...metadataFields(metadata ?? {}) };
  if (message !== undefined) set.message = message === null ? null : cutText(String(message));
  if (percent !== undefined) set.percent = nextPercent(percent, before);
  return set;
}

function nextPercent(percent: unknown, { plan, percent: before }: Fields): number | null {
  if (Array.isArray(plan) && plan.length > 0)
    throw invalidChange(
      "The percent of a job with a plan is derived from its steps. Report the percent of a step instead.",
    );
  if (typeof percent !== "number" || !Number.isFinite(percent))
    throw invalidChange(`percent is ${String(percent)}; it must be a number from 0 to 100.`);
  return raisePercent(before as number | null | undefined, percent);
}

/** The fields of some metadata. A key whose value is `undefined` is left alone; `null` removes a key. */
export function metadataFields(metadata: object): Fields {
  const fields: Record<string, Json> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (value !== undefined) fields[`metadata.${key}`] = value as Json;
  }
  return fields;
}

function invalidChange(message: string): ProgressError {
  return new ProgressError("invalid-change", { message });
}
