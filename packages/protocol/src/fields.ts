import { etaOf } from "./eta.js";
import { type Json, numberOr0 } from "./json.js";
import {
  type AnyJob,
  isTerminal,
  type JobError,
  type JobFacts,
  type JobState,
  type JobStatus,
  type JobTypes,
  type PlanStep,
} from "./state.js";

/** The fields of a job by name: a top-level name, `steps.<id>` or `metadata.<key>` (P1). */
export type Fields = { readonly [field: string]: Json };

type Stored = Omit<JobFacts, "id" | "etaMs" | "steps" | "metadata"> & {
  readonly status: JobStatus;
  readonly result: Json;
  readonly error: JobError | null;
  readonly finishedAt: number | null;
};

const EMPTY: Stored = {
  kind: "",
  status: "queued",
  attempt: 1,
  step: null,
  message: null,
  percent: null,
  plan: [],
  result: null,
  error: null,
  cancelRequested: false,
  createdAt: 0,
  startedAt: null,
  updatedAt: 0,
  finishedAt: null,
  stale: false,
};

const NAMES: ReadonlySet<string> = new Set(Object.keys(EMPTY));

/**
 * The state that a job's fields describe. Pure: the same fields and the same `now` give the same state, whichever
 * deltas set them.
 *
 * @param now - The store's time in milliseconds since the epoch; only `etaMs` depends on it.
 * @see docs/PROTOCOL.md, P10–P14 and P70–P74
 */
export function stateOf<Job extends JobTypes = AnyJob>(
  id: string,
  fields: Fields,
  now: number,
): JobState<Job> {
  const steps: Record<string, Json> = {};
  const metadata: Record<string, Json> = {};
  const job: { [name: string]: unknown } = { id, ...EMPTY, steps, metadata, etaMs: null };
  for (const [field, value] of Object.entries(fields)) {
    const dot = field.indexOf(".");
    const group = field.slice(0, dot);
    if (NAMES.has(field)) job[field] = value;
    else if (value === null) continue;
    else if (group === "steps") steps[field.slice(dot + 1)] = value;
    else if (group === "metadata") metadata[field.slice(dot + 1)] = value;
  }
  // The fields were checked when they were decoded. The types of the job's own data are declared by the user.
  const state = job as unknown as Derivable;
  const percent = percentOf(state);
  return {
    ...state,
    percent,
    etaMs: etaOf({ ...state, percent }, now),
    ...endOf(state),
  } as JobState as JobState<Job>;
}

/** Fields of which the percent, the ETA and the end are derived. */
type Derivable = Stored & Pick<JobState, "steps">;

/** The members that depend on the status (P4): a foreign server may leave out the reason or the time of an end. */
function endOf({ status, result, error, finishedAt, updatedAt }: Stored): Partial<Stored> {
  if (!isTerminal(status)) return { result: null, error: null, finishedAt: null };
  const hasReason = status === "completed" || status === "cancelled" || error !== null;
  return {
    result: status === "completed" ? result : null,
    error: status === "completed" ? null : hasReason ? error : unknownReason(status),
    finishedAt: finishedAt ?? updatedAt,
  };
}

function unknownReason(status: string): JobError {
  return { code: status, message: "No reason was given." };
}

function percentOf({ status, plan, percent, steps }: Derivable): number | null {
  if (status === "completed") return 100;
  const raw = plan.length > 0 ? planPercent(plan, steps) : percent;
  // A foreign server may send anything: arithmetic with an object may throw, and weights may add up to 0 or infinity.
  return typeof raw === "number" && !Number.isNaN(raw) ? Math.max(0, Math.min(99, raw)) : null;
}

function planPercent(plan: readonly PlanStep[], steps: JobState["steps"]): number {
  let sum = 0;
  let weights = 0;
  for (const { id, weight } of plan) {
    const step = steps[id];
    const finished = step?.status === "completed" || step?.status === "skipped";
    sum += weight * (finished ? 100 : numberOr0(step?.percent));
    weights += weight;
  }
  // Cut, not rounded: rounding up would show a percent that is not reached. The small term undoes binary noise (0.3 ×
  // 100 / 3).
  return Math.floor((sum / weights) * 10 + 1e-9) / 10;
}
