import type { Fields, Json } from "@emlinh/progress-protocol";

/** The attempt that a worker wants to work on. */
export type WantedAttempt = "current" | "next" | undefined;

/** The fields of the write that opens a job, and the attempt that it belongs to. */
export function openingFields(
  before: Fields,
  wanted: WantedAttempt,
  now: number,
): { readonly set: Fields; readonly attempt: number } {
  const current = Number(before.attempt ?? 1);
  if (wanted === "next")
    return { set: nextAttempt(before, current + 1, now), attempt: current + 1 };
  const begins = before.status === "queued";
  // The status is set again if the job runs already: each hold begins with a version of its own.
  return { set: { status: "running", ...(begins && { startedAt: now }) }, attempt: current };
}

function nextAttempt(before: Fields, attempt: number, now: number): Fields {
  return {
    ...clearedSteps(before),
    status: "running",
    attempt,
    step: null,
    percent: null,
    error: null,
    startedAt: now,
  };
}

/** The steps among some fields, removed. */
export function clearedSteps(fields: Fields): Fields {
  const cleared: Record<string, Json> = {};
  for (const [field, value] of Object.entries(fields))
    if (field.startsWith("steps.") && value !== null) cleared[field] = null;
  return cleared;
}
