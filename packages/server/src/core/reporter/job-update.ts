import type { Fields, JobTypes, Json } from "@emlinh/progress-protocol";
import { metadataFields } from "../draft.js";
import { cutText, raisePercent } from "./clamp.js";
import type { JobUpdate } from "./reporter.js";

/** The fields that an update sets, or what is wrong with it. */
export function fieldsOfUpdate(
  { percent, message, metadata }: JobUpdate<JobTypes>,
  { plan, percent: before }: Fields,
): Fields | string {
  const set: Record<string, Json> = { ...metadataFields(metadata ?? {}) };
  if (message !== undefined) set.message = message === null ? null : cutText(String(message));
  if (percent === undefined) return set;
  if (Array.isArray(plan) && plan.length > 0)
    return "its percent follows from its plan: report the percent of a step.";
  if (typeof percent !== "number" || !Number.isFinite(percent))
    return `percent is ${String(percent)}; it must be a number from 0 to 100.`;
  return { ...set, percent: raisePercent(before as number | null | undefined, percent) };
}
