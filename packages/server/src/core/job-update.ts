import {
  type AnyJob,
  type Fields,
  type JobTypes,
  type Json,
  type MetadataInput,
  ProgressError,
} from "@emlinh/progress-protocol";
import { cutText } from "../shared/limits.js";
import { isRecord, type Refuse, readMembers, shown } from "../shared/untyped.js";
import { raisePercent } from "./percent.js";

/** An update of a job as a whole. Members that are left out keep their value. */
export interface JobUpdate<Job extends JobTypes = AnyJob, Metadata = object> {
  /** 0..100, for a job without a plan. It never falls within an attempt (P13). */
  readonly percent?: number | undefined;
  /** For people; cut at 4096 characters. `null` for none. */
  readonly message?: string | null | undefined;
  /** Replaces the keys that it names; `null` removes a key. Values are plain JSON. */
  readonly metadata?: MetadataInput<Job, Metadata, null> | undefined;
}

/**
 * The fields that an update sets. A member with a wrong value is refused and left out; the others are returned.
 *
 * @param update - From untyped code it may be anything.
 * @param before - The job's fields so far.
 */
export function fieldsOfUpdate(update: unknown, before: Fields, refuse: Refuse): Fields {
  const wanted = { method: "update", names: NAMES, refuse };
  const { percent, message, metadata } = readMembers(update, wanted);
  const set = metadata === undefined ? {} : metadataFields(metadata, refuse);
  if (typeof message === "string") set.message = cutText(message);
  else if (message === null) set.message = null;
  else if (message !== undefined)
    refuse("message", `message is ${shown(message)}; it must be a string or null.`);
  if (percent !== undefined) Object.assign(set, percentField(percent, before, refuse));
  return set;
}

const NAMES = ["percent", "message", "metadata"];

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
export function metadataFields(metadata: unknown, refuse: Refuse): Record<string, Json> {
  if (!isRecord(metadata)) {
    const remedy = "it must be an object. Use Object.fromEntries() for a Map.";
    refuse("metadata", `metadata is ${shown(metadata)}; ${remedy}`);
    return {};
  }
  const fields: Record<string, Json> = {};
  for (const key of keysOf(metadata, refuse)) {
    try {
      const value = metadata[key];
      if (value !== undefined) fields[`metadata.${key}`] = value as Json;
    } catch (cause) {
      refuse(`metadata.${key}`, `The metadata "${key.slice(0, 64)}" could not be read.`, cause);
    }
  }
  return fields;
}

function keysOf(metadata: object, refuse: Refuse): readonly string[] {
  try {
    return Object.keys(metadata);
  } catch (cause) {
    refuse("metadata", "The keys of metadata could not be read.", cause);
    return [];
  }
}

/** Refuses by throwing, for methods whose callers get an error. @throws ProgressError `invalid-change` */
export const refuseByThrowing: Refuse = (_kind, message, cause) => {
  throw new ProgressError("invalid-change", { message, cause });
};
