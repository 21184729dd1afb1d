import { type Change, type HoldWrite, printCursor } from "@emlinh/progress-server";
import type { ModelJob } from "./store-model.js";
import type { Step, StepHold } from "./store-steps.js";

/** The change of a step, with its hold on the job as the model has it. */
export function changeOf(
  { change, hold }: Pick<Step & { do: "write" }, "change" | "hold">,
  job: ModelJob | undefined,
): Change {
  return hold === undefined ? change : { ...change, hold: holdOf(hold, job) };
}

function holdOf({ token, ahead, opens }: StepHold, job: ModelJob | undefined): HoldWrite {
  if (token === job?.hold?.token) return { token, count: Math.max(1, job.hold.count + ahead) };
  if (opens === undefined) return { token, count: 1 };
  const { seen, takeOver } = opens;
  return { token, count: 1, opens: { seen: seenAt(seen, job), takeOver } };
}

/**
 * The cursor at which a worker read the job: the newest, that of the current hold, the one before, or another job's.
 */
function seenAt(seen: "now" | "opening" | "before" | "other", job: ModelJob | undefined): string {
  if (job === undefined || seen === "other") return "other.1";
  const since = job.hold?.since ?? 1;
  const version = { now: job.history.version(), opening: since, before: Math.max(0, since - 1) };
  return printCursor({ epoch: job.epoch, version: version[seen] });
}

/** A change with metadata in place of the fields that only the holder of a job may set. */
export function withoutProgress({ set, ...change }: Change): Change {
  const fields = Object.entries(set).map(([field, value]) => [
    field.replace(/^(?:steps\.|(?=percent$))/, "metadata."),
    value,
  ]);
  return { ...change, set: Object.fromEntries(fields) };
}
