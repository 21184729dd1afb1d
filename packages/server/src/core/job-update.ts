import {
  type AnyJob,
  type Fields,
  type JobTypes,
  type Json,
  ProgressError,
} from "@emlinh/progress-protocol";
import { cutText } from "../shared/limits.js";
import { unknownMember } from "../shared/member-names.js";
import { shown } from "../shared/shown.js";
import { raisePercent } from "./percent.js";

/** An update of a job as a whole. Members that are left out keep their value. */
export interface JobUpdate<Job extends JobTypes = AnyJob> {
  /** 0..100, for a job without a plan. It never falls within an attempt (P13). */
  readonly percent?: number | undefined;
  /** For people; cut at 4096 characters. `null` for none. */
  readonly message?: string | null | undefined;
  /** Replaces the keys that it names; `null` removes a key. Values are plain JSON. */
  readonly metadata?:
    | { readonly [Key in keyof Job["metadata"]]?: Job["metadata"][Key] | null }
    | undefined;
}

/**
 * Called for a value that is left out because it can't be stored.
 *
 * @param kind - Identifies the fault, so that it can be reported once.
 */
export type Refuse = (kind: string, message: string) => void;

/**
 * The fields that an update sets. A member with a wrong value is refused and left out; the others are returned.
 *
 * @param update - From untyped code it may be anything.
 * @param before - The job's fields so far.
 */
export function fieldsOfUpdate(update: unknown, before: Fields, refuse: Refuse): Fields {
  if (typeof update !== "object" || update === null) {
    const fault = `update was called with ${shown(update)}; it must be an object`;
    refuse("update", `${fault}, such as { percent: 50, message: "Halfway" }.`);
    return {};
  }
  const unknown = unknownMember(update, ["percent", "message", "metadata"]);
  if (unknown !== undefined) refuse("update", `update has no member ${unknown}`);
  const { percent, message, metadata } = update as Record<string, unknown>;
  const set: Record<string, Json> = {};
  if (metadata !== undefined) Object.assign(set, metadataFields(metadata, refuse));
  if (typeof message === "string") set.message = cutText(message);
  else if (message === null) set.message = null;
  else if (message !== undefined)
    refuse("message", `message is ${shown(message)}; it must be a string or null.`);
  if (percent !== undefined) Object.assign(set, percentField(percent, before, refuse));
  return set;
}

function percentField(percent: unknown, { plan, percent: before }: Fields, refuse: Refuse): Fields {
  if (Array.isArray(plan) && plan.length > 0) {
    const reason = "The percent of a job with a plan is derived from its steps.";
    refuse("percent", `${reason} Report the percent of a step instead.`);
  } else if (typeof percent !== "number" || !Number.isFinite(percent))
    refuse("percent", `percent is ${shown(percent)}; it must be a number from 0 to 100.`);
  else return { percent: raisePercent(before as number | null | undefined, percent) };
  return {};
}

/** The fields of some metadata. A key whose value is `undefined` is left alone; `null` removes a key. */
export function metadataFields(metadata: unknown, refuse: Refuse): Fields {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    refuse("metadata", `metadata is ${shown(metadata)}; it must be an object.`);
    return {};
  }
  const fields: Record<string, Json> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (value !== undefined) fields[`metadata.${key}`] = value as Json;
  }
  return fields;
}

/** Refuses by throwing, for methods whose callers get an error. @throws ProgressError `invalid-change` */
export const refuseByThrowing: Refuse = (_kind, message) => {
  throw new ProgressError("invalid-change", { message });
};
